/*
 * Arousal, dominance and valence of speech, see wav2small.h.
 *
 * samples → level → spectrum, 500 frames a second → convolutions, pooling, convolutions
 * → 250 tokens a second → sums over time → values
 *
 * A column is a frame of a layer's input. A layer keeps three of them, and gives the
 * column for the middle one: each layer is a column behind the one before. Columns before
 * the start and after the end are zeros.
 *
 * Compile without -ffast-math, which breaks the check for NaN.
 */

#include "wav2small.h"

#include <float.h>
#include <math.h>

#define LARGEST_SAMPLE 32768.0f

enum {
    HOP = WAV2SMALL_HOP,
    HALF_HOP = WAV2SMALL_HOP / 2,
    BINS = WAV2SMALL_HOP / 2 + 1,
    PIECE = WAV2SMALL_PIECE,
    PIECES = WAV2SMALL_PIECES,
    BANDS = WAV2SMALL_BANDS,
    HALF = WAV2SMALL_HALF,
    CHANNELS = WAV2SMALL_CHANNELS,
    SIZE = WAV2SMALL_SIZE,
    WIDE = WAV2SMALL_WIDE,
    NARROW = WAV2SMALL_NARROW,
    BEFORE = WAV2SMALL_BEFORE,
    LAYERS = WAV2SMALL_LAYERS
};

typedef wav2small_value value;

/* Functions whose arguments are sizes, for compilers to unroll their loops. */
#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#else
#define INLINE static inline
#endif

/* ---------------------------------------------------------------- weights */

/* {weights} */

/* ----------------------------------------------------------------- layers */

/* Product with a matrix [inputs][outputs], added to y. Four rows of it at once: y is
 * loaded and stored less often. */
static void multiply(const float *x, int inputs, int outputs, const float *matrix,
                     float *restrict y)
{
    enum { ROWS = 4 };

    for (int rest = inputs % ROWS; rest > 0; rest--, x++, matrix += outputs)
        for (int o = 0; o < outputs; o++)
            y[o] += x[0] * matrix[o];
    for (int n = inputs / ROWS; n > 0; n--, x += ROWS, matrix += ROWS * outputs)
        for (int o = 0; o < outputs; o++) {
            float sum = y[o];
            for (int r = 0; r < ROWS; r++)
                sum += x[r] * matrix[r * outputs + o];
            y[o] = sum;
        }
}

/* {layers} */

/* ------------------------------------------------------- network of layers */

/* Log-mel spectrum of a frame of 64 samples. */
static void spectrum(const float *frame, float *bands)
{
    float parts[2 * BINS] = {0}, power[BINS], mel[BANDS] = {0};

    multiply(frame, HOP, 2 * BINS, DFT, parts);
    for (int k = 0; k < BINS; k++)
        power[k] = parts[k] * parts[k] + parts[BINS + k] * parts[BINS + k];
    multiply(power, BINS, BANDS, MEL, mel);
    for (int b = 0; b < BANDS; b++)
        bands[b] = LOG_SCALE * logf(mel[b] > LOG_FLOOR ? mel[b] : LOG_FLOOR);
}

/* One of the three columns of a layer's input; layers from 1 on. */
static value *column(struct wav2small_network *net, int layer, int which)
{
    int narrow = layer - BEFORE;

    if (narrow < 0)
        return net->columns + (3 * (layer - 1) + which) * WIDE;
    return net->columns + 3 * (BEFORE - 1) * WIDE + (3 * narrow + which) * NARROW;
}

static value *next_column(struct wav2small_network *net, int layer)
{
    return column(net, layer, net->newest[layer]);
}

/* Convolves the middle one of a layer's columns. */
static void run_layer(struct wav2small_network *net, int layer, int newest, value *out)
{
    int oldest = (newest + 1) % 3, middle = (newest + 2) % 3;

    if (layer == 0) {
        const float *spectra = net->spectra;
        convolve_spectra(spectra + oldest * (BANDS + 2), spectra + middle * (BANDS + 2),
                         spectra + newest * (BANDS + 2), out);
    } else {
        convolve(column(net, layer, oldest), column(net, layer, middle),
                 column(net, layer, newest), layer, out);
    }
}

/* Moves the pooled columns to the next layer. */
static void end_pooling(struct wav2small_network *net)
{
    value *out = next_column(net, BEFORE);

    for (int i = 0; i < NARROW; i++) {
        out[i] = net->pooled[i];
        net->pooled[i] = 0;
    }
    net->half_pooled = 0;
}

/* Pools columns 2t - 1, 2t and 2t + 1. Returns whether they are complete. */
static int run_pooling(struct wav2small_network *net, const value *wide)
{
    pool(wide, net->pooled);
    if (!net->half_pooled) {
        net->half_pooled = 1;
        return 0;
    }
    end_pooling(net);
    pool(wide, net->pooled);
    return 1;
}

/* Runs the layers from one on that has got a new column. Returns whether there is a
 * token. */
static int run_layers(struct wav2small_network *net, int layer, float *token)
{
    for (;; layer++) {
        int newest = net->newest[layer];

        net->newest[layer] = (unsigned char)((newest + 1) % 3);
        if (!net->begun[layer]) {
            net->begun[layer] = 1;
            return 0;
        }
        if (layer == LAYERS - 1) {
            value last[NARROW] = {0};
            run_layer(net, layer, newest, last);
            make_token(last, token);
            return 1;
        }
        if (layer == BEFORE - 1) {
            value wide[WIDE] = {0};
            run_layer(net, layer, newest, wide);
            if (!run_pooling(net, wide))
                return 0;
        } else {
            run_layer(net, layer, newest, next_column(net, layer + 1));
        }
    }
}

static int run_frame(struct wav2small_network *net, const float *frame, float *token)
{
    spectrum(frame, net->spectra + net->newest[0] * (BANDS + 2) + 1);
    return run_layers(net, 0, token);
}

/* Runs the network on a hop of normalised samples, or on what is left at the end.
 * Returns whether there is a token. */
static int run_hop(struct wav2small_network *net, const float *hop, int num_samples,
                   float *token)
{
    float *samples = net->samples;
    int made = 0;

    for (int i = 0; i < num_samples; i++)
        samples[HALF_HOP + i] = hop[i];
    if (net->has_samples && num_samples >= HALF_HOP)
        made |= run_frame(net, samples, token);
    if (num_samples == HOP) {
        made |= run_frame(net, samples + HALF_HOP, token);
        for (int i = 0; i < HALF_HOP; i++)
            samples[i] = samples[HOP + i];
        net->has_samples = 1;
    }
    return made;
}

/* Steps that end the network, of each layer and of the pooling. */
enum { STEPS = LAYERS + 1 };

/* Adds a column of zeros behind the last one of a layer, or ends the pooling. To be
 * called for each step. Returns whether there is a token. */
static int end_network(struct wav2small_network *net, int step, float *token)
{
    int layer = step < BEFORE ? step : step - 1;

    if (step == BEFORE) {
        if (!net->half_pooled)
            return 0;
        end_pooling(net);
        return run_layers(net, BEFORE, token);
    }
    if (!net->begun[layer])
        return 0;
    if (layer == 0) {
        for (int b = 0; b < BANDS; b++)
            net->spectra[net->newest[0] * (BANDS + 2) + 1 + b] = 0;
    } else {
        value *zeros = next_column(net, layer);
        for (int i = 0; i < (layer < BEFORE ? WIDE : NARROW); i++)
            zeros[i] = 0;
    }
    return run_layers(net, layer, token);
}

/* ------------------------------------------------------------ sums over time */

static void clear_sums(struct wav2small_sums *sums)
{
    sums->num_tokens = sums->num_decided = sums->num_speech = 0;
    for (int i = 0; i < SIZE; i++) {
        sums->peak[i] = -FLT_MAX;
        sums->weight[i] = sums->value[i] = 0;
    }
}

static void clear_total(struct wav2small_total *total)
{
    for (int i = 0; i < SIZE; i++) {
        total->peak[i] = -FLT_MAX;
        total->weight[i] = total->value[i] = 0;
    }
}

/* Adds a token: values, then logarithms of their weights. */
static void add_token(struct wav2small_sums *sums, const float *token)
{
    sums->num_tokens++;
    for (int i = 0; i < SIZE; i++) {
        float x = token[i], above = token[SIZE + i] - sums->peak[i];

        if (above > 0) {
            float share = expf(-above);
            sums->peak[i] = token[SIZE + i];
            sums->weight[i] = sums->weight[i] * share + 1;
            sums->value[i] = sums->value[i] * share + x;
        } else {
            float weight = expf(above);
            sums->weight[i] += weight;
            sums->value[i] += weight * x;
        }
    }
}

static void add_piece(struct wav2small_total *total, const struct wav2small_sums *piece)
{
    for (int i = 0; i < SIZE; i++) {
        float old = total->peak[i], new = piece->peak[i];
        float peak = old > new ? old : new;
        float shares[2] = {expf(old - peak), expf(new - peak)};

        total->peak[i] = peak;
        total->weight[i] = shares[0] * total->weight[i] + shares[1] * piece->weight[i];
        total->value[i] = shares[0] * total->value[i] + shares[1] * piece->value[i];
    }
}

/* Sets A/D/V of pooled tokens, NaN if there are none. */
static int predict(const struct wav2small_total *total, float adv[3])
{
    float pooled[SIZE];

    for (int i = 0; i < SIZE; i++)
        pooled[i] = (float)(total->value[i] / total->weight[i]);
    for (int d = 0; d < 3; d++)
        adv[d] = ADV_BIAS[d];
    multiply(pooled, SIZE, 3, ADV, adv);
    return total->weight[0] > 0;
}

/* -------------------------------------------------------------------- level */

/* Mean, and factor to unit variance. */
struct scale {
    float mean, factor;
};

static struct scale scale_of(double sum, double squares, double count)
{
    double mean = sum / count, variance = squares / count - mean * mean;
    struct scale scale;

    variance = (variance > 0 ? variance : 0) + EPSILON;
    if (variance < LEAST_VARIANCE)
        variance = LEAST_VARIANCE;
    scale.mean = (float)mean;
    scale.factor = (float)(1 / sqrt(variance));
    return scale;
}

static void normalise(const float *samples, int num_samples, struct scale scale, float *out)
{
    for (int i = 0; i < num_samples; i++)
        out[i] = (samples[i] - scale.mean) * scale.factor;
}

static float valid(float sample)
{
    /* False for NaN as well */
    return fabsf(sample) <= LARGEST_SAMPLE ? sample : 0;
}

/* Adds up a hop in place of the oldest one of the window. */
static void add_level(struct wav2small_level *level, const float *samples, int num_samples)
{
    double *hop = level->hops + 2 * level->next;
    int piece = level->next / PIECE;
    double *sums = level->pieces + 2 * piece, *hops = level->hops + 2 * PIECE * piece;

    hop[0] = hop[1] = 0;
    for (int i = 0; i < num_samples; i++) {
        hop[0] += samples[i];
        hop[1] += (double)samples[i] * samples[i];
    }
    /* Nothing is subtracted, as the rounding error of a loud hop would remain */
    sums[0] = sums[1] = 0;
    for (int i = 0; i < PIECE; i++) {
        sums[0] += hops[2 * i];
        sums[1] += hops[2 * i + 1];
    }
    level->next = (level->next + 1) % (PIECES * PIECE);
    if (level->count < PIECES * PIECE)
        level->count++;
}

/* Scale by the hops of the window, of which the last one may be incomplete. */
static struct scale current_scale(const struct wav2small_level *level, int num_samples)
{
    double sum = 0, squares = 0;

    for (int i = 0; i < PIECES; i++) {
        sum += level->pieces[2 * i];
        squares += level->pieces[2 * i + 1];
    }
    return scale_of(sum, squares, (double)(level->count - 1) * HOP + num_samples);
}

/* ------------------------------------------------------------------- stream */

void wav2small_init(struct wav2small *stream)
{
    *stream = (struct wav2small){0};
    clear_total(&stream->total);
    clear_sums(stream->memory.pieces);
}

static void end_piece(struct wav2small *stream)
{
    add_piece(&stream->total, stream->memory.pieces + stream->piece);
    if (stream->num_pieces < PIECES)
        stream->num_pieces++;
    stream->piece = (stream->piece + 1) % (PIECES + 1);
    clear_sums(stream->memory.pieces + stream->piece);
}

#if WAV2SMALL_SPEECH
/* Decides whether the token in the middle of the last ones is speech, by their mean. */
static void add_speech(struct wav2small *stream, struct wav2small_sums *piece,
                       const float *token)
{
    float logit = SPEECH_BIAS, sum = 0;

    for (int i = 0; i < SIZE; i++)
        logit += token[i] * SPEECH[i];
    stream->logits[stream->next_logit] = logit;
    stream->next_logit = (stream->next_logit + 1) % WAV2SMALL_SPEECH;
    if (stream->num_logits < WAV2SMALL_SPEECH)
        stream->num_logits++;
    if (stream->num_logits <= WAV2SMALL_SPEECH / 2)
        return;
    for (int i = 0; i < stream->num_logits; i++)
        sum += stream->logits[i];
    piece->num_decided++;
    piece->num_speech += sum / (float)stream->num_logits > SPEECH_THRESHOLD;
}
#endif

static void process_token(struct wav2small *stream, const float *token)
{
    struct wav2small_sums *piece = stream->memory.pieces + stream->piece;

    add_token(piece, token);
#if WAV2SMALL_SPEECH
    add_speech(stream, piece, token);
#endif
    if (piece->num_tokens == PIECE)
        end_piece(stream);
}

static void process_hop(struct wav2small *stream, const float *samples, int num_samples,
                        struct scale scale)
{
    float normalised[HOP], token[2 * SIZE];

    normalise(samples, num_samples, scale, normalised);
    if (run_hop(&stream->network, normalised, num_samples, token))
        process_token(stream, token);
}

/* The samples that are held have the level of all of them. */
static void process_held(struct wav2small *stream, struct scale scale)
{
    for (int i = 0; i < stream->num_held; i++)
        process_hop(stream, stream->memory.held.samples + i * HOP, HOP, scale);
    stream->num_held = WAV2SMALL_HELD;
}

static void hold(struct wav2small *stream)
{
    float *held = stream->memory.held.samples + stream->num_held * HOP;

    for (int i = 0; i < HOP; i++)
        held[i] = stream->waiting[i];
    if (++stream->num_held == WAV2SMALL_HELD)
        process_held(stream, current_scale(&stream->level, HOP));
}

static void push_hop(struct wav2small *stream)
{
    add_level(&stream->level, stream->waiting, HOP);
    if (stream->num_held < WAV2SMALL_HELD)
        hold(stream);
    else
        process_hop(stream, stream->waiting, HOP, current_scale(&stream->level, HOP));
    stream->num_waiting = 0;
}

void wav2small_push(struct wav2small *stream, const float *samples, size_t num_samples)
{
    for (size_t i = 0; i < num_samples; i++) {
        stream->waiting[stream->num_waiting++] = valid(samples[i]);
        if (stream->num_waiting == HOP)
            push_hop(stream);
    }
}

void wav2small_finish(struct wav2small *stream)
{
    int rest = stream->num_waiting;
    float token[2 * SIZE];
    struct scale scale;

    if (rest)
        add_level(&stream->level, stream->waiting, rest);
    if (!stream->level.count)
        return;
    scale = current_scale(&stream->level, rest ? rest : HOP);
    if (stream->num_held < WAV2SMALL_HELD)
        process_held(stream, scale);
    if (rest)
        process_hop(stream, stream->waiting, rest, scale);
    for (int step = 0; step < STEPS; step++)
        if (end_network(&stream->network, step, token))
            process_token(stream, token);
    if (stream->memory.pieces[stream->piece].num_tokens)
        end_piece(stream);
}

/* A complete piece of the window, 1 is the last one. */
static const struct wav2small_sums *past_piece(const struct wav2small *stream, int ago)
{
    return stream->memory.pieces + (stream->piece + PIECES + 1 - ago) % (PIECES + 1);
}

int wav2small_window(const struct wav2small *stream, float adv[3])
{
    struct wav2small_total window;

    clear_total(&window);
    for (int i = 1; i <= stream->num_pieces; i++)
        add_piece(&window, past_piece(stream, i));
    return predict(&window, adv);
}

int wav2small_total(const struct wav2small *stream, float adv[3])
{
    return predict(&stream->total, adv);
}

#if WAV2SMALL_SPEECH
float wav2small_speech(const struct wav2small *stream)
{
    float num_decided = 0, num_speech = 0;

    for (int i = 1; i <= stream->num_pieces; i++) {
        num_decided += (float)past_piece(stream, i)->num_decided;
        num_speech += (float)past_piece(stream, i)->num_speech;
    }
    return num_speech / num_decided;
}
#endif

/* --------------------------------------------------------------------- clip */

struct clip {
    struct wav2small_network network;
    struct wav2small_sums piece;
    struct wav2small_total total;
};

static void add_to_clip(struct clip *clip, const float *token)
{
    add_token(&clip->piece, token);
    if (clip->piece.num_tokens < PIECE)
        return;
    add_piece(&clip->total, &clip->piece);
    clear_sums(&clip->piece);
}

static struct scale clip_scale(const float *samples, size_t num_samples)
{
    double sum = 0, squares = 0;

    for (size_t i = 0; i < num_samples; i++) {
        double sample = valid(samples[i]);
        sum += sample;
        squares += sample * sample;
    }
    return scale_of(sum, squares, (double)num_samples);
}

int wav2small_analyse(const float *samples, size_t num_samples, float adv[3])
{
    struct scale scale = clip_scale(samples, num_samples);
    struct clip clip = {0};
    float hop[HOP], token[2 * SIZE];

    clear_sums(&clip.piece);
    clear_total(&clip.total);
    for (size_t first = 0; first < num_samples; first += (size_t)HOP) {
        size_t rest = num_samples - first;
        int count = rest < (size_t)HOP ? (int)rest : HOP;

        for (int i = 0; i < count; i++)
            hop[i] = valid(samples[first + (size_t)i]);
        normalise(hop, count, scale, hop);
        if (run_hop(&clip.network, hop, count, token))
            add_to_clip(&clip, token);
    }
    for (int step = 0; step < STEPS; step++)
        if (end_network(&clip.network, step, token))
            add_to_clip(&clip, token);
    add_piece(&clip.total, &clip.piece);
    return predict(&clip.total, adv);
}
