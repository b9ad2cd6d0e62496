// A processor of another maker, as MKL sees it: MKL chooses its kernels by the maker of the processor, and sums in another order on
// those of Intel than on all others.

static int is_of_intel(void) {
    __builtin_cpu_init();
    return __builtin_cpu_is("intel") != 0;
}

int mkl_serv_intel_cpu(void) { return !is_of_intel(); }

int mkl_serv_intel_cpu_true(void) { return !is_of_intel(); }
