/* A column has a row of bands for each channel, with a zero at both ends. Rows are
 * processed in vectors; what they compute behind the end of a row is left out. Vectors are
 * those of the processor: GCC computes larger ones value by value. */
#if defined(__GNUC__) && defined(__AVX__)
typedef float vector __attribute__((vector_size(32), aligned(4), may_alias));
enum { VECTORS = 2, TOGETHER = 5 };
#elif defined(__GNUC__) \
    && (defined(__SSE2__) || defined(__ARM_NEON) || defined(__wasm_simd128__))
typedef float vector __attribute__((vector_size(16), aligned(4), may_alias));
enum { VECTORS = 4, TOGETHER = 2 };
#else
typedef float vector;
enum { VECTORS = 13, TOGETHER = 1 };
#endif

/* Bands that are computed at once. */
enum { BLOCK = VECTORS * (int)(sizeof(vector) / sizeof(float)) };

typedef char slack_suffices[BLOCK <= WAV2SMALL_SLACK ? 1 : -1];

/* 3×3 convolution and ReLU: some output channels of a block of bands. */
INLINE void convolve_block(const float *const columns[3], int inputs, int bands,
                           const float *weight, const float *bias, int outputs,
                           int first, float *out)
{
    vector sums[TOGETHER][VECTORS];
    int last = bands - first < BLOCK ? bands - first : BLOCK;

    for (int o = 0; o < outputs; o++)
        for (int v = 0; v < VECTORS; v++)
            sums[o][v] = (vector){0} + bias[o];
    for (int i = 0; i < inputs; i++)
        for (int t = 0; t < 3; t++)
            for (int b = 0; b < 3; b++) {
                const float *row = columns[t] + i * (bands + 2) + first;
                const vector *x = (const vector *)(row + b);
                for (int o = 0; o < outputs; o++)
                    for (int v = 0; v < VECTORS; v++)
                        sums[o][v] += weight[(o * inputs + i) * 9 + 3 * t + b] * x[v];
            }
    for (int o = 0; o < outputs; o++) {
        const float *sum = (const float *)sums[o];
        float *row = out + o * (bands + 2) + 1 + first;
        for (int b = 0; b < last; b++)
            row[b] = sum[b] > 0 ? sum[b] : 0;
    }
}

/* 3×3 convolution and ReLU of the middle one of three columns. */
INLINE void convolve_columns(const float *const columns[3], int inputs, int bands,
                             const float *weight, const float *bias, float *out)
{
    enum { REST = CHANNELS % TOGETHER };
    int row = bands + 2, size = inputs * 9, o = 0;

    for (; o + TOGETHER <= CHANNELS; o += TOGETHER)
        for (int first = 0; first < bands; first += BLOCK)
            convolve_block(columns, inputs, bands, weight + o * size, bias + o, TOGETHER,
                           first, out + o * row);
    if (REST)
        for (int first = 0; first < bands; first += BLOCK)
            convolve_block(columns, inputs, bands, weight + o * size, bias + o, REST,
                           first, out + o * row);
}

static void convolve_spectra(const float *oldest, const float *middle,
                             const float *newest, float *out)
{
    const float *const columns[3] = {oldest, middle, newest};

    convolve_columns(columns, 1, BANDS, FIRST_WEIGHT, FIRST_BIAS, out);
}

/* Layers from 1 on. */
static void convolve(const float *oldest, const float *middle, const float *newest,
                     int layer, float *out)
{
    const float *const columns[3] = {oldest, middle, newest};
    const float *weight = WEIGHTS[layer - 1], *bias = BIASES[layer - 1];

    if (layer < BEFORE)
        convolve_columns(columns, CHANNELS, BANDS, weight, bias, out);
    else
        convolve_columns(columns, CHANNELS, HALF, weight, bias, out);
}

/* Largest of three bands, at every second one; and of what is pooled already. */
static void pool(const float *wide, float *pooled)
{
    for (int c = 0; c < CHANNELS; c++) {
        const float *x = wide + c * (BANDS + 2);
        float *row = pooled + c * (HALF + 2) + 1;
        for (int b = 0; b < HALF; b++)
            for (int i = 0; i < 3; i++)
                row[b] = row[b] > x[2 * b + i] ? row[b] : x[2 * b + i];
    }
}

/* Values of a token, and logarithms of their weights. */
static void make_token(const float *narrow, float *token)
{
    float x[SIZE];

    for (int c = 0; c < CHANNELS; c++)
        for (int b = 0; b < HALF; b++)
            x[c * HALF + b] = narrow[c * (HALF + 2) + 1 + b];
    for (int o = 0; o < 2 * SIZE; o++)
        token[o] = TOKEN_BIAS[o];
    multiply(x, SIZE, 2 * SIZE, TOKEN_WEIGHT, token);
}
