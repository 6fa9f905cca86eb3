/* The inner loops of a request: look ids up, read what cells hold, answer a forest of symmetric trees.

   Every function does what a few lines of NumPy do where this file is not compiled (`native.__init__` says which), and gives
   the same bits: sums are added in the same order, and nothing is contracted (-ffp-contract=off). Arrays come as buffers.
   Their lengths are checked here; what they hold is checked by who reads them from a file. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/* Where the compiler can, a loop is compiled for wide registers as well and the machine chooses when it is loaded. */
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#define CHOOSES 1
#else
#define WIDE
#define CHOOSES 0
#endif

#if defined(__GNUC__)
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define PREFETCH(address)
#endif

#define UNSEEN INT64_MIN
#define BLOCK 256

static PyObject *misfit(const char *what)
{
    PyErr_Format(PyExc_ValueError, "%s", what);
    return NULL;
}

/* Hashes: events/hashing.py */

static inline uint64_t mixed(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

static PyObject *pairs(PyObject *self, PyObject *args)
{
    Py_buffer first, second, out;
    Py_ssize_t n;
    if (!PyArg_ParseTuple(args, "y*y*w*n", &first, &second, &out, &n))
        return NULL;
    Py_ssize_t a = n > 0 ? first.len / (8 * n) : 0, b = n > 0 ? second.len / (8 * n) : 0;
    int fits = n >= 0 && first.len == 8 * n * a && second.len == 8 * n * b && out.len == 8 * n * a * b;
    if (fits) {
        const uint64_t *left = first.buf, *right = second.buf;
        uint64_t *to = out.buf;
        for (Py_ssize_t i = 0; i < n; i++, left += a, right += b)
            for (Py_ssize_t j = 0; j < a; j++) {
                uint64_t half = mixed(left[j]);
                for (Py_ssize_t k = 0; k < b; k++)
                    *to++ = left[j] && right[k] ? mixed(half ^ right[k]) : 0;
            }
    }
    PyBuffer_Release(&first), PyBuffer_Release(&second), PyBuffer_Release(&out);
    return fits ? Py_NewRef(Py_None) : misfit("pairs: first (n, a), second (n, b) and out (n, a * b) do not fit");
}

/* Ids: features/ids.py */

static PyObject *lookup(PyObject *self, PyObject *args)
{
    Py_buffer keys, rows, hashes, out;
    if (!PyArg_ParseTuple(args, "y*y*y*w*", &keys, &rows, &hashes, &out))
        return NULL;
    Py_ssize_t slots = rows.len / 4, n = hashes.len / 8;
    int fits = slots > 0 && !(slots & (slots - 1)) && keys.len == 8 * slots && out.len == 4 * n;
    if (fits) {
        const uint64_t *key = keys.buf, *hash = hashes.buf, mask = (uint64_t)slots - 1;
        const volatile int32_t *row = rows.buf;
        int32_t *to = out.buf;
        for (Py_ssize_t start = 0; start < n; start += BLOCK) {
            Py_ssize_t stop = start + BLOCK < n ? start + BLOCK : n;
            for (Py_ssize_t i = start; i < stop; i++) {
                PREFETCH(key + (hash[i] & mask));
                PREFETCH((const int32_t *)rows.buf + (hash[i] & mask));
            }
            for (Py_ssize_t i = start; i < stop; i++) {
                uint64_t at = hash[i] & mask;
                int32_t found;
                /* The row before the key: who writes puts the key there first. A full table ends where it began. */
                for (Py_ssize_t tried = 0; (found = row[at]) >= 0 && key[at] != hash[i]; at = (at + 1) & mask)
                    if (++tried == slots) {
                        found = -1;
                        break;
                    }
                to[i] = found;
            }
        }
    }
    PyBuffer_Release(&keys), PyBuffer_Release(&rows), PyBuffer_Release(&hashes), PyBuffer_Release(&out);
    return fits ? Py_NewRef(Py_None) : misfit("lookup: keys (s,), rows (s,), hashes (n,) and out (n,) do not fit");
}

/* What cells hold: features/record.py */

static inline int64_t floored(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return q - (a % b < 0);
}

/* The events of a ring with the tiles `first` and later. */
static inline int64_t counted(const char *cell, int64_t first, int64_t ring)
{
    int64_t newest;
    memcpy(&newest, cell, 8);
    if (newest < first)
        return 0;
    int64_t left = newest - first < ring - 1 ? newest - first : ring - 1, slot = newest - ring * floored(newest, ring), total = 0;
    const char *counts = cell + 8;
    for (int64_t back = 0; back <= left; back++) {
        int32_t count;
        memcpy(&count, counts + 4 * slot, 4);
        total += count;
        slot = slot ? slot - 1 : ring - 1;
    }
    return total;
}

/* layout: bytes of a cell; decayed sums, where their times are and where they are; windows, and of each where it is, its ring,
   its span and the width of a tile. Each of the n rows adds up `cells.len / n` cells; a cell that is not there holds nothing. */
static PyObject *totals(PyObject *self, PyObject *args)
{
    Py_buffer held, cells, times, layout, rates, out;
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*w*", &held, &cells, &times, &layout, &rates, &out))
        return NULL;
    const int64_t *plan = layout.buf;
    Py_ssize_t n = times.len / 8, d = rates.len / 8, words = layout.len / 8, w = words < 5 ? -1 : (Py_ssize_t)plan[4];
    Py_ssize_t m = n > 0 ? cells.len / (4 * n) : 0;
    int fits = words >= 5 && plan[0] > 0 && plan[1] == d && w >= 0 && words == 5 + 4 * w && cells.len == 4 * n * m
               && out.len == 8 * n * (d + w) && held.len % plan[0] == 0;
    for (Py_ssize_t j = 0; fits && j < w; j++) {
        const int64_t *at = plan + 5 + 4 * j;
        fits = at[0] >= 0 && at[1] > 0 && at[0] + 8 + 4 * at[1] <= plan[0] && at[2] >= 0 && at[3] > 0;
    }
    fits = fits && (!d || (plan[2] >= 0 && plan[3] >= 0 && plan[2] + 8 * d <= plan[0] && plan[3] + 8 * d <= plan[0]));
    if (fits) {
        const char *base = held.buf;
        const int32_t *cell = cells.buf;
        const int64_t *ts = times.buf;
        const double *rate = rates.buf;
        double *to = out.buf;
        Py_ssize_t size = (Py_ssize_t)plan[0], known = held.len / size;
        int64_t last = 0, first[64];
        int fresh = 1;
        memset(to, 0, out.len);
        for (Py_ssize_t start = 0; start < n; start += BLOCK) {
            Py_ssize_t stop = start + BLOCK < n ? start + BLOCK : n;
            for (Py_ssize_t i = start * m; i < stop * m; i++)
                if (cell[i] >= 0 && cell[i] < known)
                    for (Py_ssize_t line = 0; line < size; line += 64)
                        PREFETCH(base + cell[i] * size + line);
            for (Py_ssize_t i = start; i < stop; i++) {
                /* All rows of a request are of one moment: the divisions are made once. */
                if (fresh || ts[i] != last) {
                    for (Py_ssize_t j = 0; j < w && j < 64; j++)
                        first[j] = floored(ts[i] - plan[5 + 4 * j + 2], plan[5 + 4 * j + 3]);
                    last = ts[i], fresh = 0;
                }
                for (Py_ssize_t k = i * m; k < (i + 1) * m; k++) {
                    if (cell[k] < 0 || cell[k] >= known)
                        continue;
                    const char *at = base + cell[k] * size;
                    for (Py_ssize_t j = 0; j < d; j++) {
                        int64_t then;
                        double sum;
                        memcpy(&then, at + plan[2] + 8 * j, 8);
                        memcpy(&sum, at + plan[3] + 8 * j, 8);
                        if (sum != 0)
                            to[j * n + i] += sum * exp2((then == UNSEEN ? 0.0 : (double)(ts[i] - then)) * rate[j]);
                    }
                    for (Py_ssize_t j = 0; j < w; j++) {
                        const int64_t *window = plan + 5 + 4 * j;
                        int64_t tail = j < 64 ? first[j] : floored(ts[i] - window[2], window[3]);
                        to[(d + j) * n + i] += (double)counted(at + window[0], tail, window[1]);
                    }
                }
            }
        }
    }
    PyBuffer_Release(&held), PyBuffer_Release(&cells), PyBuffer_Release(&times);
    PyBuffer_Release(&layout), PyBuffer_Release(&rates), PyBuffer_Release(&out);
    return fits ? Py_NewRef(Py_None) : misfit("totals: cells, times, layout, rates and out do not fit");
}

/* Trees: ranking/trees.py */

/* One level of a tree for a block of rows: whether each passes the split becomes a bit of its leaf. */
WIDE static void split(const float *restrict column, float border, int level, uint32_t *restrict leaf, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i < n; i++)
        leaf[i] |= (uint32_t)(column[i] > border) << level;
}

static PyObject *forest(PyObject *self, PyObject *args)
{
    Py_buffer columns, features, borders, leaves, out;
    Py_ssize_t n, depth;
    if (!PyArg_ParseTuple(args, "y*y*y*y*w*nn", &columns, &features, &borders, &leaves, &out, &n, &depth))
        return NULL;
    Py_ssize_t f = n > 0 ? columns.len / (4 * n) : 0, trees = depth > 0 ? features.len / (4 * depth) : 0;
    Py_ssize_t width = depth >= 0 && depth <= 8 ? (Py_ssize_t)1 << depth : 0;
    Py_ssize_t h = trees && width ? leaves.len / (8 * trees * width) : 0;
    int fits = n > 0 && depth > 0 && width && columns.len == 4 * n * f && features.len == 4 * trees * depth
               && borders.len == features.len && leaves.len == 8 * h * trees * width && out.len == 8 * h * n;
    const int32_t *of = features.buf;
    for (Py_ssize_t i = 0; fits && i < trees * depth; i++)
        fits = of[i] >= 0 && of[i] < f;
    if (fits) {
        const float *column = columns.buf, *border = borders.buf;
        const double *leaf = leaves.buf;
        double *to = out.buf;
        Py_BEGIN_ALLOW_THREADS
        memset(to, 0, out.len);
        for (Py_ssize_t start = 0; start < n; start += BLOCK) {
            Py_ssize_t rows = start + BLOCK < n ? BLOCK : n - start;
            uint32_t at[BLOCK];
            for (Py_ssize_t t = 0; t < trees; t++) {
                memset(at, 0, sizeof at);
                for (Py_ssize_t level = 0; level < depth; level++)
                    split(column + of[t * depth + level] * n + start, border[t * depth + level], (int)level, at, rows);
                for (Py_ssize_t head = 0; head < h; head++) {
                    const double *values = leaf + (head * trees + t) * width;
                    double *sums = to + head * n + start;
                    for (Py_ssize_t i = 0; i < rows; i++)
                        sums[i] += values[at[i]];
                }
            }
        }
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&columns), PyBuffer_Release(&features), PyBuffer_Release(&borders);
    PyBuffer_Release(&leaves), PyBuffer_Release(&out);
    return fits ? Py_NewRef(Py_None) : misfit("forest: columns, features, borders, leaves and out do not fit");
}

/* Vectors in bits and bytes: retrieval/coded.py */

static inline float product(const int8_t *restrict codes, const int16_t *restrict query, Py_ssize_t f)
{
    int32_t sum = 0;
    for (Py_ssize_t j = 0; j < f; j++)
        sum += (int16_t)codes[j] * query[j];
    return (float)sum;
}

WIDE static void products(const int8_t *restrict codes, const int16_t *restrict query, Py_ssize_t f, const float *restrict steps,
                          float scale, float *restrict out, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i < n; i++)
        out[i] = product(codes + i * f, query, f) * (steps[i] * scale);
}

WIDE static void picked(const int8_t *restrict codes, const int16_t *restrict query, Py_ssize_t f, const float *restrict steps,
                        float scale, float *restrict out, const int64_t *at, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i < n; i++)
        for (Py_ssize_t byte = 0; byte < f; byte += 64)
            PREFETCH(codes + at[i] * f + byte);
    for (Py_ssize_t i = 0; i < n; i++)
        out[i] = product(codes + at[i] * f, query, f) * (steps[at[i]] * scale);
}

/* Of all vectors, or of the first `some` that out names, those that score well enough by their bytes: their numbers go to the
   beginning of out. */
static PyObject *near(PyObject *self, PyObject *args)
{
    Py_buffer codes, steps, query, out;
    float scale, least;
    Py_ssize_t some, found = 0;
    if (!PyArg_ParseTuple(args, "y*y*y*ffw*n", &codes, &steps, &query, &scale, &least, &out, &some))
        return NULL;
    Py_ssize_t n = steps.len / 4, f = query.len / 2;
    int64_t *to = out.buf;
    int fits = codes.len == n * f && out.len == 8 * n && some <= n;
    for (Py_ssize_t i = 0; fits && i < some; i++)
        fits = to[i] >= 0 && to[i] < n;
    if (fits) {
        Py_ssize_t all = some < 0 ? n : some;
        for (Py_ssize_t start = 0; start < all; start += BLOCK) {
            Py_ssize_t count = start + BLOCK < all ? BLOCK : all - start;
            float score[BLOCK];
            if (some < 0)
                products((const int8_t *)codes.buf + start * f, query.buf, f, (const float *)steps.buf + start, scale, score, count);
            else
                picked(codes.buf, query.buf, f, steps.buf, scale, score, to + start, count);
            for (Py_ssize_t i = 0; i < count; i++) {
                to[found] = some < 0 ? start + i : to[start + i];
                found += score[i] >= least;
            }
        }
    }
    PyBuffer_Release(&codes), PyBuffer_Release(&steps), PyBuffer_Release(&query), PyBuffer_Release(&out);
    return fits ? PyLong_FromSsize_t(found) : misfit("near: codes (n, f), steps (n,), query (f,) and out (n,) do not fit");
}

#define PLANES 4

/* The products of signs with a query of four bits a coordinate, by how many signs meet each bit. */
#define BY_SIGNS(name)                                                                                                          \
    void name(const uint64_t *restrict signs, const uint64_t *restrict planes, Py_ssize_t words, const float *restrict scales,  \
              float step, float low, float offset, float *restrict out, Py_ssize_t n)

static inline __attribute__((always_inline)) BY_SIGNS(counted_signs)
{
    for (Py_ssize_t i = 0; i < n; i++) {
        int64_t met = 0, all = 0;
        for (Py_ssize_t j = 0; j < words; j++) {
            uint64_t word = signs[i * words + j];
            all += __builtin_popcountll(word);
            for (int k = 0; k < PLANES; k++)
                met += (int64_t)__builtin_popcountll(word & planes[k * words + j]) << k;
        }
        out[i] = (2 * (step * (float)met + low * (float)all) - offset) * scales[i];
    }
}

/* One word is worth a loop of its own: then the planes stay in registers. */
#define EITHER                                                                                                                  \
    {                                                                                                                           \
        if (words == 1)                                                                                                         \
            counted_signs(signs, planes, 1, scales, step, low, offset, out, n);                                                 \
        else                                                                                                                    \
            counted_signs(signs, planes, words, scales, step, low, offset, out, n);                                             \
    }

static BY_SIGNS(by_signs_anywhere) EITHER
static void (*by_signs)(const uint64_t *, const uint64_t *, Py_ssize_t, const float *, float, float, float, float *,
                        Py_ssize_t) = by_signs_anywhere;

/* GCC's clones know no word for counting bits in wide registers, so it is chosen by hand. */
#if CHOOSES
__attribute__((target("popcnt"))) static BY_SIGNS(by_signs_counting) EITHER
__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx512vpopcntdq"))) static BY_SIGNS(by_signs_wide) EITHER

static void choose(void)
{
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512vpopcntdq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        by_signs = by_signs_wide;
    else if (__builtin_cpu_supports("popcnt"))
        by_signs = by_signs_counting;
}
#else
static void choose(void) {}
#endif

static PyObject *hinted(PyObject *self, PyObject *args)
{
    Py_buffer signs, scales, planes, out;
    float step, low, offset, least;
    Py_ssize_t found = 0;
    if (!PyArg_ParseTuple(args, "y*y*y*ffffw*", &signs, &scales, &planes, &step, &low, &offset, &least, &out))
        return NULL;
    Py_ssize_t n = scales.len / 4, words = planes.len / (8 * PLANES);
    int fits = signs.len == 8 * n * words && planes.len == 8 * PLANES * words && out.len == 8 * n;
    if (fits) {
        int64_t *to = out.buf;
        for (Py_ssize_t start = 0; start < n; start += BLOCK) {
            Py_ssize_t count = start + BLOCK < n ? BLOCK : n - start;
            float score[BLOCK];
            by_signs((const uint64_t *)signs.buf + start * words, planes.buf, words, (const float *)scales.buf + start, step, low,
                     offset, score, count);
            for (Py_ssize_t i = 0; i < count; i++) {
                to[found] = start + i;
                found += score[i] >= least;
            }
        }
    }
    PyBuffer_Release(&signs), PyBuffer_Release(&scales), PyBuffer_Release(&planes), PyBuffer_Release(&out);
    return fits ? PyLong_FromSsize_t(found) : misfit("hinted: signs (n, w), scales (n,), planes (4, w) and out (n,) do not fit");
}

static PyMethodDef methods[] = {
    {"near", near, METH_VARARGS, NULL},
    {"hinted", hinted, METH_VARARGS, NULL},
    {"pairs", pairs, METH_VARARGS, NULL},
    {"lookup", lookup, METH_VARARGS, NULL},
    {"totals", totals, METH_VARARGS, NULL},
    {"forest", forest, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "kernels", NULL, 0, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__kernels(void)
{
    choose();
    return PyModuleDef_Init(&module);
}
