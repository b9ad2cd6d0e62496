/* A driver for GPUs that are not there: what of NVML the scheduler asks, answered from the folder $FAKE_NVML.
 *
 * Each GPU is a folder, gpu0, gpu1, ...: `busy` lets somebody work on it, `worker` holds the process that does too and its bytes, `used` holds how many bytes
 * are, `lost` lets it not answer any more, `xid` holds an error that is logged once, `ecc` and `throttle` hold numbers. Layouts and codes are those of nvml.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUCCESS = 0, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7, TIMEOUT = 10, GPU_IS_LOST = 15 };
enum { XID = 0x8 };

typedef struct { unsigned pid; unsigned long long memory; unsigned gpu_instance, compute_instance; } Process;
typedef struct { void *device; unsigned long long type, data; unsigned gpu_instance, compute_instance; } Event;

/* A handle is the index of the GPU and one; a set of events is the GPU that it is for. */
static void *sets[64];
static unsigned made;

static const char *path(void *device, const char *name) {
    static __thread char text[4096];
    snprintf(text, sizeof text, "%s/gpu%zu/%s", getenv("FAKE_NVML"), (size_t)device - 1, name);
    return text;
}

static int has(void *device, const char *name) { return access(path(device, name), F_OK) == 0; }

static unsigned long long number(void *device, const char *name) {
    unsigned long long value = 0;
    FILE *file = fopen(path(device, name), "r");
    if (file != NULL) {
        if (fscanf(file, "%llu", &value) != 1) value = 0;
        fclose(file);
    }
    return value;
}

int nvmlInit_v2(void) { return SUCCESS; }
int nvmlShutdown(void) { return SUCCESS; }

int nvmlDeviceGetCount_v2(unsigned *count) {
    for (*count = 0; has((void *)(size_t)(*count + 1), ""); ++*count) {}
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
    *device = (void *)(size_t)(index + 1);
    return has(*device, "lost") ? GPU_IS_LOST : SUCCESS;
}

int nvmlDeviceGetUUID(void *device, char *uuid, unsigned length) {
    snprintf(uuid, length, "GPU-fake-%zu", (size_t)device - 1);
    return SUCCESS;
}

int nvmlDeviceGetHandleByUUID(const char *uuid, void **device) {
    size_t index;
    if (sscanf(uuid, "GPU-fake-%zu", &index) != 1) return NOT_FOUND;
    *device = (void *)(index + 1);
    return has(*device, "lost") ? GPU_IS_LOST : SUCCESS;
}

int nvmlDeviceGetName(void *device, char *name, unsigned length) {
    snprintf(name, length, "Fake %zu", (size_t)device - 1);
    return SUCCESS;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *count, Process *processes) {
    unsigned room = *count;
    Process found[2];
    memset(found, 0, sizeof found);
    *count = 0;
    if (has(device, "busy")) found[(*count)++].pid = 1;
    FILE *file = fopen(path(device, "worker"), "r");
    if (file != NULL) {
        if (fscanf(file, "%u %llu", &found[*count].pid, &found[*count].memory) == 2) ++*count;
        fclose(file);
    }
    if (*count == 0) return SUCCESS;
    if (processes == NULL || room < *count) return INSUFFICIENT_SIZE;
    memcpy(processes, found, *count * sizeof *processes);
    return SUCCESS;
}

typedef struct { unsigned version; unsigned long long total, reserved, free, used; } Memory;

int nvmlDeviceGetMemoryInfo_v2(void *device, Memory *memory) {
    memory->total = 80ULL << 30;
    memory->reserved = 600ULL << 20;
    memory->used = has(device, "used") ? number(device, "used") : 4ULL << 20;
    memory->free = memory->total - memory->reserved - memory->used;
    return SUCCESS;
}

int nvmlEventSetCreate(void **set) {
    *set = &sets[made++ % 64];
    return SUCCESS;
}

int nvmlDeviceRegisterEvents(void *device, unsigned long long types, void **set) {
    (void)types;
    *set = device;
    return SUCCESS;
}

int nvmlEventSetWait_v2(void **set, Event *event, unsigned milliseconds) {
    (void)milliseconds;
    unsigned long long xid = number(*set, "xid");
    if (xid == 0) return TIMEOUT;
    unlink(path(*set, "xid"));
    memset(event, 0, sizeof *event);
    event->device = *set;
    event->type = XID;
    event->data = xid;
    return SUCCESS;
}

int nvmlEventSetFree(void **set) {
    (void)set;
    return SUCCESS;
}

int nvmlDeviceGetTotalEccErrors(void *device, int type, int counter, unsigned long long *errors) {
    (void)type, (void)counter;
    *errors = number(device, "ecc");
    return SUCCESS;
}

int nvmlDeviceGetRetiredPagesPendingStatus(void *device, int *pending) {
    *pending = has(device, "retiring");
    return SUCCESS;
}

int nvmlDeviceGetCurrentClocksThrottleReasons(void *device, unsigned long long *reasons) {
    *reasons = number(device, "throttle");
    return SUCCESS;
}
