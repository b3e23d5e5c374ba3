/* Resampling to 16 kHz, see wav2small_resampler.h. */

#include "wav2small_resampler.h"

#include <math.h>

#define TARGET 16000

/* Passband as a part of the lower one of the two bandwidths, and attenuation in dB. */
#define PASSBAND 0.9137
#define ATTENUATION 126.0
#define PI 3.14159265358979323846

enum { LANES = 8 };

static unsigned divisor(unsigned a, unsigned b)
{
    return b ? divisor(b, a % b) : a;
}

/* Modified Bessel function of order zero. */
static double bessel(double x)
{
    double sum = 1, term = 1;

    for (int k = 1; term > 1e-18 * sum; k++) {
        term *= x / (2 * k) * (x / (2 * k));
        sum += term;
    }
    return sum;
}

/* Coefficients of each phase: a sinc with a Kaiser window, whose sum is 1. */
static void fill_bank(struct wav2small_resampler *resampler, double cutoff)
{
    int half = resampler->taps / 2;
    double beta = 0.1102 * (ATTENUATION - 8.7);

    for (int phase = 0; phase < resampler->up; phase++) {
        float *row = resampler->bank + (size_t)phase * (size_t)resampler->taps;
        double sum = 0;

        for (int i = 0; i < resampler->taps; i++) {
            double time = i - (half - 1) - (double)phase / resampler->up;
            double angle = 2 * PI * cutoff * time, place = time / half;
            double window = place * place < 1 ? bessel(beta * sqrt(1 - place * place)) : 0;
            double value = (fabs(angle) > 1e-9 ? sin(angle) / angle : 1) * window;
            row[i] = (float)value;
            sum += value;
        }
        for (int i = 0; i < resampler->taps; i++)
            row[i] = (float)(row[i] / sum);
    }
}

int wav2small_resampler_init(struct wav2small_resampler *resampler, unsigned rate)
{
    unsigned common = divisor(TARGET, rate);
    double band, taps;

    if (rate < 1000 || rate > 1000000)
        return 0;
    resampler->up = (int)(TARGET / common);
    resampler->down = (int)(rate / common);
    /* Frequencies are in parts of the rate */
    band = (rate < TARGET ? rate : TARGET) / 2.0 / rate;
    taps = (ATTENUATION - 7.95) / (14.36 * band * (1 - PASSBAND)) + 1;
    resampler->taps = ((int)taps + 2 * LANES - 1) / (2 * LANES) * (2 * LANES);
    if (resampler->taps > WAV2SMALL_RESAMPLER_TAPS
        || resampler->taps > WAV2SMALL_RESAMPLER_BANK / resampler->up)
        return 0;
    for (int i = 0; i < 2 * resampler->taps; i++)
        resampler->history[i] = 0;
    resampler->phase = resampler->next = 0;
    resampler->missing = resampler->taps / 2 + 1;
    fill_bank(resampler, band * (1 + PASSBAND) / 2);
    return 1;
}

size_t wav2small_resampler_most(const struct wav2small_resampler *resampler,
                                size_t num_samples)
{
    size_t up = (size_t)resampler->up, down = (size_t)resampler->down;

    return num_samples / down * up + (num_samples % down * up) / down + 2;
}

static float product(const float *x, const float *y, int size)
{
    float sums[LANES] = {0}, sum = 0;

    for (int i = 0; i < size; i += LANES)
        for (int l = 0; l < LANES; l++)
            sums[l] += x[i + l] * y[i + l];
    for (int l = 0; l < LANES; l++)
        sum += sums[l];
    return sum;
}

size_t wav2small_resample(struct wav2small_resampler *resampler, const float *samples,
                          size_t num_samples, float *out)
{
    int taps = resampler->taps;
    size_t made = 0;

    for (size_t i = 0; i < num_samples; i++) {
        if (resampler->up == resampler->down) {
            out[made++] = samples[i];
            continue;
        }
        resampler->history[resampler->next] = samples[i];
        resampler->history[resampler->next + taps] = samples[i];
        resampler->next = (resampler->next + 1) % taps;
        resampler->missing--;
        while (resampler->missing == 0) {
            const float *row = resampler->bank + (size_t)resampler->phase * (size_t)taps;
            out[made++] = product(resampler->history + resampler->next, row, taps);
            resampler->phase += resampler->down;
            resampler->missing = resampler->phase / resampler->up;
            resampler->phase %= resampler->up;
        }
    }
    return made;
}

size_t wav2small_resample_end(struct wav2small_resampler *resampler, float *out)
{
    const float zero = 0;
    size_t made = 0;

    if (resampler->up == resampler->down)
        return 0;
    for (int i = 0; i < resampler->taps / 2; i++)
        made += wav2small_resample(resampler, &zero, 1, out + made);
    return made;
}
