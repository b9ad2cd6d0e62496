// Tells of the operators that libtorch is asked for in this thread (operators.rs).

#include <memory>
#include <vector>

#include <ATen/record_function.h>

namespace {
// How many operators compute of this one, which is called by such a name, and those that it has asked, of which so many compute. Whether
// nobody but the program has asked for it is said, too.
using Seen = size_t (*)(void *context, const char *name, size_t asked, bool is_outer);

struct Call : at::ObserverContext {
    // How many operators that it has asked compute.
    size_t asked = 0;
};

thread_local Seen seen = nullptr;
thread_local void *seer = nullptr;
thread_local std::vector<Call *> calls;

std::unique_ptr<at::ObserverContext> begun(const at::RecordFunction &) {
    auto call = std::make_unique<Call>();
    calls.push_back(call.get());
    return call;
}

void ended(const at::RecordFunction &function, at::ObserverContext *context) {
    calls.pop_back();
    size_t asked = static_cast<Call *>(context)->asked;
    if (seen != nullptr)
        asked = seen(seer, function.name(), asked, calls.empty());
    if (!calls.empty())
        calls.back()->asked += asked;
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
