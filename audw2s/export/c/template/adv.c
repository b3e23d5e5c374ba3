/*
 * Prints arousal, dominance and valence of a WAV file: three numbers on one line.
 *
 *     ./adv clip.wav
 *
 * Integers of 8, 16, 24 and 32 bits, and floats of 32 bits; any number of channels, of
 * which the mean is used; sampling rates as in wav2small_resampler.h.
 */

#include "wav2small.h"
#include "wav2small_resampler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PCM = 1, IEEE_FLOAT = 3, EXTENSIBLE = 0xFFFE };

struct wav {
    unsigned kind, channels, rate, bits;
    const unsigned char *data;
    size_t size;
};

static unsigned long number(const unsigned char *bytes, int size)
{
    unsigned long value = 0;

    while (size--)
        value = value << 8 | bytes[size];
    return value;
}

/* Reads a whole file. Returns NULL if that isn't possible. */
static unsigned char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    unsigned char *content = NULL;
    long length;

    if (!file)
        return NULL;
    if (!fseek(file, 0, SEEK_END) && (length = ftell(file)) >= 0 && !fseek(file, 0, SEEK_SET)) {
        *size = (size_t)length;
        content = malloc(*size + 1);
        if (content && fread(content, 1, *size, file) != *size) {
            free(content);
            content = NULL;
        }
    }
    fclose(file);
    return content;
}

/* Finds format and samples. Returns whether they are there. */
static int parse(const unsigned char *content, size_t size, struct wav *wav)
{
    size_t at = 12;

    memset(wav, 0, sizeof *wav);
    if (size < at || memcmp(content, "RIFF", 4) || memcmp(content + 8, "WAVE", 4))
        return 0;
    while (size - at >= 8) {
        const unsigned char *chunk = content + at, *body = chunk + 8;
        size_t length = number(chunk + 4, 4), rest = size - at - 8;

        if (!memcmp(chunk, "fmt ", 4) && length >= 16 && rest >= length) {
            wav->kind = (unsigned)number(body, 2);
            wav->channels = (unsigned)number(body + 2, 2);
            wav->rate = (unsigned)number(body + 4, 4);
            wav->bits = (unsigned)number(body + 14, 2);
            if (wav->kind == EXTENSIBLE && length >= 26)
                wav->kind = (unsigned)number(body + 24, 2);
        } else if (!memcmp(chunk, "data", 4)) {
            wav->data = body;
            /* Programs that write to a pipe don't know the length */
            wav->size = length < rest ? length : rest;
        }
        if (length + length % 2 >= rest)
            break;
        at += 8 + length + length % 2;
    }
    return wav->data && wav->channels
        && ((wav->kind == PCM && wav->bits % 8 == 0 && wav->bits >= 8 && wav->bits <= 32)
            || (wav->kind == IEEE_FLOAT && wav->bits == 32));
}

static float sample_of(const struct wav *wav, const unsigned char *bytes)
{
    unsigned long value = number(bytes, (int)(wav->bits / 8));
    unsigned long sign = 1UL << (wav->bits - 1);
    uint32_t word = (uint32_t)value;
    float sample;

    if (wav->kind == IEEE_FLOAT) {
        memcpy(&sample, &word, sizeof sample);
        return sample;
    }
    if (wav->bits == 8)
        return ((float)value - 128) / 128;
    return (float)(((double)(value ^ sign) - (double)sign) / (double)sign);
}

static float *mono(const struct wav *wav, size_t *num_samples)
{
    size_t width = wav->bits / 8, frame = width * wav->channels;
    float *samples;

    *num_samples = wav->size / frame;
    samples = malloc((*num_samples + 1) * sizeof *samples);
    for (size_t i = 0; samples && i < *num_samples; i++) {
        double sum = 0;
        for (size_t c = 0; c < wav->channels; c++)
            sum += sample_of(wav, wav->data + i * frame + c * width);
        samples[i] = (float)(sum / wav->channels);
    }
    return samples;
}

/* Resamples to 16 kHz, and frees what is given. Returns NULL for other rates. */
static float *resampled(float *samples, size_t *num_samples, unsigned rate)
{
    struct wav2small_resampler *resampler = malloc(sizeof *resampler);
    float *out = NULL;

    if (resampler && wav2small_resampler_init(resampler, rate)) {
        size_t most = wav2small_resampler_most(resampler, *num_samples)
            + wav2small_resampler_most(resampler, WAV2SMALL_RESAMPLER_TAPS);
        out = malloc(most * sizeof *out);
        if (out) {
            size_t made = wav2small_resample(resampler, samples, *num_samples, out);
            *num_samples = made + wav2small_resample_end(resampler, out + made);
        }
    }
    free(resampler);
    free(samples);
    return out;
}

static int fail(const char *path, const char *reason)
{
    fprintf(stderr, "%s: %s\n", path, reason);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    const char *path = argc == 2 ? argv[1] : NULL;
    unsigned char *content;
    size_t size = 0, num_samples = 0;
    struct wav wav;
    float *samples, adv[3];
    int has_values;

    if (!path)
        return fail("usage", "adv FILE.wav");
    content = read_file(path, &size);
    if (!content)
        return fail(path, "can't be read");
    if (!parse(content, size, &wav)) {
        free(content);
        return fail(path, "isn't a WAV file of integers or 32-bit floats");
    }
    samples = mono(&wav, &num_samples);
    if (samples)
        samples = resampled(samples, &num_samples, wav.rate);
    free(content);
    if (!samples)
        return fail(path, "its sampling rate isn't supported");
    has_values = wav2small_analyse(samples, num_samples, adv);
    free(samples);
    if (!has_values)
        return fail(path, "is too short");
    printf("%.6f %.6f %.6f\n", adv[0], adv[1], adv[2]);
    return EXIT_SUCCESS;
}
