/*
 * Arousal, dominance and valence of speech: {model}, {precision}.
 *
 * Written by audw2s {version} from the ONNX file with sha256
 * {sha256}.
 *
 * C99, no allocation, nothing of the standard library but math.h. Samples are mono
 * at 16 kHz, of any scale up to 32768. Values are about 0…1, 0.5 is neutral; they are
 * not clipped. The order is always arousal, dominance, valence.
 *
 *     static struct wav2small stream;
 *     float adv[3];
 *
 *     wav2small_init(&stream);
 *     for each chunk of samples
 *         wav2small_push(&stream, chunk, num_samples);
 *         if (wav2small_window(&stream, adv))
 *             adv[0], adv[1], adv[2] are those of the last two seconds
 */

#ifndef WAV2SMALL_H
#define WAV2SMALL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Duration of the window in half seconds, at least 1; the same for all files that
 * include this header. */
#ifndef WAV2SMALL_WINDOW
#define WAV2SMALL_WINDOW 4
#endif

/* {sizes} */

/* Samples come in hops of 64, each gives a token of WAV2SMALL_SIZE values. The window
 * moves by a piece: 25 tokens, which are 0.1 s, or 5 tokens. */
#ifndef WAV2SMALL_PIECE
#define WAV2SMALL_PIECE 25
#endif
#define WAV2SMALL_HOP 64
#define WAV2SMALL_HELD 125
#define WAV2SMALL_PIECES (WAV2SMALL_WINDOW * (WAV2SMALL_HELD / WAV2SMALL_PIECE))

/* Values of a column, which is a frame of a layer's input: bands and channels, with a
 * band of zeros at both ends. Pooling halves the bands, and every second column. */
#define WAV2SMALL_SIZE (WAV2SMALL_CHANNELS * WAV2SMALL_HALF)
#define WAV2SMALL_WIDE (WAV2SMALL_CHANNELS * (WAV2SMALL_BANDS + 2))
#define WAV2SMALL_NARROW (WAV2SMALL_CHANNELS * (WAV2SMALL_HALF + 2))

/* Layers: convolutions before and after pooling. */
#define WAV2SMALL_LAYERS (WAV2SMALL_BEFORE + WAV2SMALL_AFTER)

/* Vectors may be read up to here behind the last column. */
#define WAV2SMALL_SLACK 16

/* From normalised samples to tokens. Each layer keeps three columns of its input. */
struct wav2small_network {
    float samples[WAV2SMALL_HOP / 2 + WAV2SMALL_HOP];
    float spectra[3 * (WAV2SMALL_BANDS + 2) + WAV2SMALL_SLACK];
    wav2small_value columns[3 * (WAV2SMALL_BEFORE - 1) * WAV2SMALL_WIDE
                            + 3 * WAV2SMALL_AFTER * WAV2SMALL_NARROW + WAV2SMALL_SLACK];
    wav2small_value pooled[WAV2SMALL_NARROW];
    unsigned char newest[WAV2SMALL_LAYERS]; /* which of the three columns comes next */
    unsigned char begun[WAV2SMALL_LAYERS];  /* whether a layer has got a column */
    unsigned char half_pooled;              /* whether "pooled" waits for a column */
    unsigned char has_samples;              /* whether "samples" begins with a hop's end */
};

/* Sums over the tokens of a piece, relative to the largest weight e^peak. */
struct wav2small_sums {
    int num_tokens;
    int num_decided; /* tokens of which it is known whether they are speech */
    int num_speech;
    float peak[WAV2SMALL_SIZE];
    float weight[WAV2SMALL_SIZE];
    float value[WAV2SMALL_SIZE];
};

/* The same of any number of pieces. */
struct wav2small_total {
    float peak[WAV2SMALL_SIZE];
    double weight[WAV2SMALL_SIZE];
    double value[WAV2SMALL_SIZE];
};

/* Sums of samples and of their squares: of each hop of the window, and of each piece. */
struct wav2small_level {
    double hops[2 * WAV2SMALL_PIECES * WAV2SMALL_PIECE];
    double pieces[2 * WAV2SMALL_PIECES];
    int next;  /* index of the next hop */
    int count; /* number of hops, up to those of the window */
};

/* Pieces that lie before the samples that are held: one, if a later piece needs less
 * memory than the samples that were processed until it begins. */
#define WAV2SMALL_FIRST \
    (3 * (WAV2SMALL_SIZE + 1) <= WAV2SMALL_PIECE * WAV2SMALL_HOP \
         ? 1 : 1 + WAV2SMALL_HELD / WAV2SMALL_PIECE)

/* State of a stream. */
struct wav2small {
    struct wav2small_network network;
    struct wav2small_level level;
    struct wav2small_total total;
    /* The first half second is held until its level is known. It lies where pieces will
     * be. */
    union {
        struct wav2small_sums pieces[WAV2SMALL_PIECES + 1];
        struct {
            struct wav2small_sums first[WAV2SMALL_FIRST];
            float samples[WAV2SMALL_HELD * WAV2SMALL_HOP];
        } held;
    } memory;
    float waiting[WAV2SMALL_HOP]; /* samples of an incomplete hop */
    int num_waiting;
#if WAV2SMALL_SPEECH
    float logits[WAV2SMALL_SPEECH]; /* of the last tokens: above a threshold for speech */
    int next_logit;
    int num_logits;
#endif
    int num_held;   /* hops that are held, up to the first half second */
    int piece;      /* index of the piece that is being summed */
    int num_pieces; /* complete pieces, up to those of the window */
};

/* Starts a stream. */
void wav2small_init(struct wav2small *stream);

/* Processes a chunk of any size. Samples that are NaN, inf or beyond 32768 count as 0. */
void wav2small_push(struct wav2small *stream, const float *samples, size_t num_samples);

/* Processes what is left at the end of a recording; only wav2small_window() and
 * wav2small_total() may follow. */
void wav2small_finish(struct wav2small *stream);

/* Sets A/D/V of the last WAV2SMALL_WINDOW half seconds; they change with each
 * piece. Returns 0 and sets NaN in the first 0.5 s. After wav2small_finish() an incomplete piece at the
 * end counts as a complete one. */
int wav2small_window(const struct wav2small *stream, float adv[3]);

/* Sets A/D/V of everything so far; they change with each piece. Returns 0 and sets NaN in
 * the first 0.5 s. */
int wav2small_total(const struct wav2small *stream, float adv[3]);

#if WAV2SMALL_SPEECH
/* Share of the window that is speech, 0…1, as the output "speech" of the ONNX file, but
 * 0.25 s behind: it is decided on half a second around a token. NaN in the beginning. */
float wav2small_speech(const struct wav2small *stream);
#endif

/* Sets A/D/V of a clip, which is normalised as a whole, as by the ONNX file. Needs
 * 30 KB of stack. Returns 0 and sets NaN for fewer than 64 samples. */
int wav2small_analyse(const float *samples, size_t num_samples, float adv[3]);

#ifdef __cplusplus
}
#endif

#endif
