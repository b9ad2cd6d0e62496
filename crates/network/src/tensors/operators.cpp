// Tells of the operators that libtorch is asked for in this thread (operators.rs).

#include <memory>
#include <vector>

#include <ATen/record_function.h>

namespace {
// Whether the operator of this name computes.
using Seen = bool (*)(void *context, const char *name);

struct Call : at::ObserverContext {
    // Whether an operator that it has asked computes.
    bool has_asked = false;
};

thread_local Seen seen = nullptr;
thread_local void *seer = nullptr;
thread_local std::vector<Call *> calls;

std::unique_ptr<at::ObserverContext> begun(const at::RecordFunction &) {
    auto call = std::make_unique<Call>();
    calls.push_back(call.get());
    return call;
}

// An operator that asks others is made of them, unless they show memory in another shape only.
void ended(const at::RecordFunction &function, at::ObserverContext *context) {
    calls.pop_back();
    bool computes = static_cast<Call *>(context)->has_asked || (seen != nullptr && seen(seer, function.name()));
    if (computes && !calls.empty())
        calls.back()->has_asked = true;
}
} // namespace

extern "C" uint64_t operators_begin(Seen tell, void *context) {
    seen = tell;
    seer = context;
    return at::addThreadLocalCallback(at::RecordFunctionCallback(begun, ended).scopes({at::RecordScope::FUNCTION}));
}

extern "C" void operators_end(uint64_t handle) {
    at::removeCallback(handle);
    seen = nullptr;
}
