/*
 * What the ES module calls. Weights are data that it writes into "constants": the code is
 * the same for all students of one size. A module has one stream, and one clip.
 */

#include "wav2small.c"
#include "wav2small_resampler.c"

#define EXPORT(name) __attribute__((export_name(#name)))

enum { CHUNK = 1024, PAGE = 65536, HOPS_PER_LEVEL = 750 };

extern unsigned char __heap_base;

static unsigned char *heap = &__heap_base;
static struct wav2small stream;
static struct wav2small_resampler resampler;
static float chunk[CHUNK], at_16_khz[16 * CHUNK + WAV2SMALL_RESAMPLER_TAPS], adv[3];

EXPORT(weights) void *weights_address(void) { return &constants; }
EXPORT(num_weights) size_t num_weights(void) { return sizeof constants / sizeof(float); }
EXPORT(chunk) float *chunk_address(void) { return chunk; }
EXPORT(chunk_size) int chunk_size(void) { return CHUNK; }

/* Memory that isn't freed. Returns NULL if there is none. */
EXPORT(reserve) void *reserve(size_t size)
{
    unsigned char *start = heap;
    size_t end = (size_t)heap + (size + 15) / 16 * 16;
    size_t pages = (end + PAGE - 1) / PAGE, existing = __builtin_wasm_memory_size(0);

    if (pages > existing
        && __builtin_wasm_memory_grow(0, pages - existing) == (size_t)-1)
        return NULL;
    heap = (unsigned char *)end;
    return start;
}

/* ------------------------------------------------------------------ resampling */

/* Returns 0 for sampling rates that aren't supported. */
EXPORT(set_rate) int set_rate(unsigned rate)
{
    return wav2small_resampler_init(&resampler, rate);
}

EXPORT(resampled_size) size_t resampled_size(size_t num_samples)
{
    return wav2small_resampler_most(&resampler, num_samples + WAV2SMALL_RESAMPLER_TAPS);
}

/* Resamples samples of the chunk. */
EXPORT(resample) size_t resample(size_t num_samples, float *out)
{
    return wav2small_resample(&resampler, chunk, num_samples, out);
}

EXPORT(resample_end) size_t resample_end(float *out)
{
    return wav2small_resample_end(&resampler, out);
}

/* ---------------------------------------------------------------------- stream */

EXPORT(start) void start(void) { wav2small_init(&stream); }

/* Processes samples of the chunk. */
EXPORT(push) void push(size_t num_samples)
{
    wav2small_push(&stream, at_16_khz, resample(num_samples, at_16_khz));
}

EXPORT(finish) void finish(void)
{
    wav2small_push(&stream, at_16_khz, resample_end(at_16_khz));
    wav2small_finish(&stream);
}

EXPORT(window) const float *window(void)
{
    wav2small_window(&stream, adv);
    return adv;
}

EXPORT(total) const float *total(void)
{
    wav2small_total(&stream, adv);
    return adv;
}

/* ------------------------------------------------------------------------ clip */

EXPORT(analyse) const float *analyse(const float *samples, size_t num_samples)
{
    wav2small_analyse(samples, num_samples, adv);
    return adv;
}

/* Scale of a hop: that of the 3 s around it, at both ends of the first or last 3 s. */
static struct scale scale_around(const double *level, int hop, int num_hops,
                                 size_t num_samples)
{
    int first = hop - HOPS_PER_LEVEL / 2, last;
    double sum = 0, squares = 0;
    size_t end;

    if (first > num_hops - HOPS_PER_LEVEL)
        first = num_hops - HOPS_PER_LEVEL;
    if (first < 0)
        first = 0;
    last = first + HOPS_PER_LEVEL < num_hops ? first + HOPS_PER_LEVEL : num_hops;
    for (int i = first; i < last; i++) {
        sum += level[2 * i];
        squares += level[2 * i + 1];
    }
    end = (size_t)last * HOP < num_samples ? (size_t)last * HOP : num_samples;
    return scale_of(sum, squares, (double)(end - (size_t)first * HOP));
}

/* Cells are the tokens between two edges, which are indices of tokens, ascending. */
struct cells {
    const int *edges;
    int count;
    int current;
    int num_tokens;
    struct wav2small_sums *sums;
};

static void add_to_cells(struct cells *cells, const float *token)
{
    int number = cells->num_tokens++;

    while (cells->current < cells->count && cells->edges[cells->current + 1] <= number)
        cells->current++;
    if (cells->current < cells->count && cells->edges[cells->current] <= number)
        add_token(cells->sums + cells->current, token);
}

EXPORT(sums_size) size_t sums_size(void) { return sizeof(struct wav2small_sums); }

/* Sums tokens of a clip over cells. "level" has room for two numbers of each hop. */
EXPORT(sum_cells) void sum_cells(const float *samples, size_t num_samples, double *level,
                                 const int *edges, int count, struct wav2small_sums *sums)
{
    struct wav2small_network network = {0};
    struct cells cells = {edges, count, 0, 0, sums};
    int num_hops = (int)((num_samples + HOP - 1) / HOP);
    float hop[HOP], token[2 * SIZE];

    for (int i = 0; i < count; i++)
        clear_sums(sums + i);
    for (int i = 0; i < 2 * num_hops; i++)
        level[i] = 0;
    for (size_t i = 0; i < num_samples; i++) {
        level[2 * (i / HOP)] += samples[i];
        level[2 * (i / HOP) + 1] += (double)samples[i] * samples[i];
    }
    for (int h = 0; h < num_hops; h++) {
        size_t rest = num_samples - (size_t)h * HOP;
        int size = rest < (size_t)HOP ? (int)rest : HOP;

        normalise(samples + (size_t)h * HOP, size,
                  scale_around(level, h, num_hops, num_samples), hop);
        if (run_hop(&network, hop, size, token))
            add_to_cells(&cells, token);
    }
    for (int step = 0; step < STEPS; step++)
        if (end_network(&network, step, token))
            add_to_cells(&cells, token);
}

/* A/D/V of cells. */
EXPORT(pool_cells) const float *pool_cells(const struct wav2small_sums *sums, int count)
{
    struct wav2small_total pooled;

    clear_total(&pooled);
    for (int i = 0; i < count; i++)
        add_piece(&pooled, sums + i);
    predict(&pooled, adv);
    return adv;
}
