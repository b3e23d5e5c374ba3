/* A column has a row of channels for each band, with a row of zeros at both ends: what a
 * column adds to an output is the product of three rows, one behind the other, and as
 * many weights. Values are unsigned and 0 is zero, weights are signed. Rows of weights
 * have zeros at their end, up to a multiple of four. */
enum { TAPS = (3 * CHANNELS + 3) / 4 * 4, INPUTS = (SIZE + 3) / 4 * 4, TOGETHER = 4 };

#if defined(__ARM_FEATURE_SIMD32)
#include <arm_acle.h>

static inline uint32_t word(const void *bytes)
{
    uint32_t word;

    __builtin_memcpy(&word, bytes, 4);
    return word;
}

/* Adds the products of a row with some rows of weights: four bytes at once, 0 and 2 as
 * one pair of 16 bits, 1 and 3 as another. */
INLINE void add_products(const uint8_t *x, int size, const int8_t *weight, int row,
                         int outputs, int32_t *sums)
{
    for (int i = 0; i < size; i += 4) {
        uint32_t values = word(x + i);
        uint32_t even = __uxtb16(values), odd = __uxtb16(values >> 8);
        for (int o = 0; o < outputs; o++) {
            uint32_t weights = word(weight + o * row + i);
            sums[o] = __smlad(even, __sxtb16(weights), sums[o]);
            sums[o] = __smlad(odd, __sxtb16(weights >> 8), sums[o]);
        }
    }
}
#else
/* Adds the products of a row with some rows of weights. */
INLINE void add_products(const uint8_t *x, int size, const int8_t *weight, int row,
                         int outputs, int32_t *sums)
{
    for (int i = 0; i < size; i++)
        for (int o = 0; o < outputs; o++)
            sums[o] += x[i] * weight[o * row + i];
}
#endif

static uint8_t quantised(float x)
{
    /* Rounded; what is below zero is zero, which is the ReLU */
    return x < 0 ? 0 : x > 254.5f ? 255 : (uint8_t)(x + 0.5f);
}

/* 3×3 convolution and ReLU of spectra, in float. */
static void convolve_spectra(const float *oldest, const float *middle,
                             const float *newest, uint8_t *out)
{
    const float *const columns[3] = {oldest, middle, newest};

    for (int b = 0; b < BANDS; b++)
        for (int o = 0; o < CHANNELS; o++) {
            float sum = FIRST_BIAS[o];
            for (int t = 0; t < 3; t++)
                for (int i = 0; i < 3; i++)
                    sum += columns[t][b + i] * FIRST_WEIGHT[9 * o + 3 * t + i];
            out[(b + 1) * CHANNELS + o] = quantised(sum / FIRST_SCALE);
        }
}

/* Some outputs of the middle one of three columns, for a band. */
INLINE void convolve_band(const uint8_t *const columns[3], int layer, int band, int first,
                          int outputs, uint8_t *out)
{
    int32_t sums[TOGETHER];

    for (int o = 0; o < outputs; o++)
        sums[o] = BIASES[layer - 1][first + o];
    for (int t = 0; t < 3; t++)
        add_products(columns[t] + band * CHANNELS, TAPS,
                     WEIGHTS[layer - 1] + (3 * first + t) * TAPS, 3 * TAPS, outputs, sums);
    for (int o = 0; o < outputs; o++)
        out[(band + 1) * CHANNELS + first + o]
            = quantised((float)sums[o] * SCALES[layer - 1][first + o]);
}

/* 3×3 convolution and ReLU of the middle one of three columns, layers from 1 on. */
static void convolve(const uint8_t *oldest, const uint8_t *middle, const uint8_t *newest,
                     int layer, uint8_t *out)
{
    enum { REST = CHANNELS % TOGETHER };
    const uint8_t *const columns[3] = {oldest, middle, newest};
    int bands = layer < BEFORE ? BANDS : HALF;

    for (int b = 0; b < bands; b++) {
        int o = 0;
        for (; o + TOGETHER <= CHANNELS; o += TOGETHER)
            convolve_band(columns, layer, b, o, TOGETHER, out);
        if (REST)
            convolve_band(columns, layer, b, o, REST, out);
    }
}

/* Largest of three bands, at every second one; and of what is pooled already. */
static void pool(const uint8_t *wide, uint8_t *pooled)
{
    for (int b = 0; b < HALF; b++)
        for (int i = 0; i < 3; i++)
            for (int c = 0; c < CHANNELS; c++) {
                uint8_t x = wide[(2 * b + i) * CHANNELS + c];
                uint8_t *y = pooled + (b + 1) * CHANNELS + c;
                *y = *y > x ? *y : x;
            }
}

/* Values of a token, and logarithms of their weights: an even number, two at once. */
static void make_token(const uint8_t *narrow, float *token)
{
    for (int o = 0; o < 2 * SIZE; o += 2) {
        int32_t sums[2] = {0, 0};
        add_products(narrow + CHANNELS, INPUTS, TOKEN_WEIGHT + o * INPUTS, INPUTS, 2, sums);
        for (int i = 0; i < 2; i++)
            token[o + i] = TOKEN_BIAS[o + i] + (float)sums[i] * TOKEN_SCALE[o + i];
    }
}
