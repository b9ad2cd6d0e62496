/* Preloaded: from a certain call on, every convolution in blocks of channels has one wrong value.
 *
 * `data_ptr_from_mkldnn` is libtorch's, which gives the worker the memory of what oneDNN has computed; plain operations do not
 * ask for it. The first calls are those by which the worker looks how oneDNN lays out its values. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>

void *_ZN2at6native20data_ptr_from_mkldnnERKNS_6TensorE(const void *tensor) {
    static void *(*real)(const void *);
    static int calls;
    if (!real) real = (void *(*)(const void *))dlsym(RTLD_NEXT, "_ZN2at6native20data_ptr_from_mkldnnERKNS_6TensorE");
    const char *first = getenv("BROKEN_KERNEL_FROM");
    float *values = real(tensor);
    if (++calls > (first ? atoi(first) : 0)) values[0] += 1000;
    return values;
}
