/*
 * Resampling to 16 kHz: windowed sinc, 126 dB of attenuation from 8 kHz on, flat up to
 * 7.3 kHz, as by soxr's "HQ". Memory is that of the struct, nothing is allocated.
 *
 * Rates are 8, 11.025, 12, 16, 22.05, 24, 32, 44.1, 48, 88.2, 96, 176.4, 192 kHz, and
 * others that fit into the tables. For one rate they can be smaller: 48 kHz needs
 * WAV2SMALL_RESAMPLER_TAPS and WAV2SMALL_RESAMPLER_BANK of 576.
 */

#ifndef WAV2SMALL_RESAMPLER_H
#define WAV2SMALL_RESAMPLER_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Samples that a sample depends on, and coefficients of all phases. */
#ifndef WAV2SMALL_RESAMPLER_TAPS
#define WAV2SMALL_RESAMPLER_TAPS 2304
#endif
#ifndef WAV2SMALL_RESAMPLER_BANK
#define WAV2SMALL_RESAMPLER_BANK 125000
#endif

struct wav2small_resampler {
    int up, down; /* 16000 / rate, as a reduced fraction */
    int taps;
    int phase;   /* of the next sample, in parts of "up" */
    int missing; /* samples that have to come until then */
    int next;    /* index in the history */
    float bank[WAV2SMALL_RESAMPLER_BANK];
    float history[2 * WAV2SMALL_RESAMPLER_TAPS]; /* the last samples, twice */
};

/* Starts. Returns 0 if a rate in Hz doesn't fit into the tables. */
int wav2small_resampler_init(struct wav2small_resampler *resampler, unsigned rate);

/* Largest number of samples at 16 kHz that may come from some at the given rate. */
size_t wav2small_resampler_most(const struct wav2small_resampler *resampler,
                                size_t num_samples);

/* Resamples a chunk of any size. Returns the number of samples that were written. They
 * lag behind by half of the taps, 6 ms at 44.1 kHz. */
size_t wav2small_resample(struct wav2small_resampler *resampler, const float *samples,
                          size_t num_samples, float *out);

/* Writes the samples that are missing at the end of a recording, at most
 * wav2small_resampler_most(resampler, WAV2SMALL_RESAMPLER_TAPS). */
size_t wav2small_resample_end(struct wav2small_resampler *resampler, float *out);

#ifdef __cplusplus
}
#endif

#endif
