/* Runs what it reads from standard input, and writes values to standard output.
 *
 * A record is a mode, the number of chunks and their sizes, as int32, and the samples of
 * all chunks as float32. Modes are 0 for a clip, 1 for a stream, and sampling rates. */
#include "wav2small.h"
#include "wav2small_resampler.h"

#include <stdio.h>
#include <stdlib.h>

#if !WAV2SMALL_SPEECH
#define wav2small_speech(stream) -1
#endif

static struct wav2small stream;
static struct wav2small_resampler resampler;

static void *read_array(size_t size, size_t count)
{
    void *values = malloc(size * count + 1);

    if (!values || fread(values, size, count, stdin) != count)
        exit(2);
    return values;
}

static void print(int has_values, const float adv[3])
{
    if (has_values != !(adv[0] != adv[0]))
        exit(3);
    for (int i = 0; i < 3; i++)
        printf("%.9g ", adv[i]);
}

static void print_stream(void)
{
    float adv[3];
    int has_values = wav2small_window(&stream, adv);

    print(has_values, adv);
    has_values = wav2small_total(&stream, adv);
    print(has_values, adv);
    printf("%.9g\n", (double)wav2small_speech(&stream));
}

/* Copies of their exact size, for a sanitizer to see what is read and written. */
static void run(int32_t mode, const float *samples, size_t size)
{
    float *chunk = malloc(size * sizeof *chunk), adv[3];

    for (size_t i = 0; i < size; i++)
        chunk[i] = samples[i];
    if (mode == 0) {
        int has_values = wav2small_analyse(chunk, size, adv);
        print(has_values, adv);
        printf("\n");
    } else if (mode == 1) {
        wav2small_push(&stream, chunk, size);
        print_stream();
    } else {
        size_t most = wav2small_resampler_most(&resampler, size);
        float *out = malloc(most * sizeof *out);
        size_t made = wav2small_resample(&resampler, chunk, size, out);
        for (size_t i = 0; i < made; i++)
            printf("%.9g ", out[i]);
        free(out);
    }
    for (size_t i = 0; i < size; i++)
        if (chunk[i] == chunk[i] && chunk[i] != samples[i])
            exit(4);
    free(chunk);
}

static void end(int32_t mode)
{
    size_t most;
    float *out;

    if (mode == 1) {
        wav2small_finish(&stream);
        print_stream();
    } else if (mode > 1) {
        most = wav2small_resampler_most(&resampler, WAV2SMALL_RESAMPLER_TAPS);
        out = malloc(most * sizeof *out);
        most = wav2small_resample_end(&resampler, out);
        for (size_t i = 0; i < most; i++)
            printf("%.9g ", out[i]);
        printf("\n");
        free(out);
    }
}

int main(void)
{
    int32_t mode, count;

    while (fread(&mode, sizeof mode, 1, stdin) == 1) {
        int32_t *sizes;

        if (fread(&count, sizeof count, 1, stdin) != 1)
            return 2;
        sizes = read_array(sizeof *sizes, (size_t)count);
        wav2small_init(&stream);
        if (mode > 1 && !wav2small_resampler_init(&resampler, (unsigned)mode))
            return 5;
        for (int32_t i = 0; i < count; i++) {
            float *samples = read_array(sizeof *samples, (size_t)sizes[i]);
            run(mode, samples, (size_t)sizes[i]);
            free(samples);
        }
        end(mode);
        free(sizes);
    }
    return 0;
}
