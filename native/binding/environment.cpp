#include "environment.h"

#include <cstdlib>
#include <mutex>
#include <new>
#include <set>
#include <string>
#include <utility>

#include "engine/worker_thread.h"
#include "values.h"

namespace timbre {

namespace {

/// process.exit() and an uncaught exception on the main thread run no clean-up hooks, only exit handlers.
class LivingEnvironments {
 public:
  static LivingEnvironments& instance() {
    static LivingEnvironments living;
    return living;
  }

  void add(Environment* environment) {
    const std::lock_guard lock(mutex_);
    environments_.insert(environment);
  }

  void remove(Environment* environment) {
    const std::lock_guard lock(mutex_);
    environments_.erase(environment);
  }

  /// Node has ended every worker thread by the time exit handlers run: the one environment left is the main thread's,
  /// which is the thread that calls this.
  void shut_down() {
    const std::lock_guard lock(mutex_);
    for (Environment* environment : environments_) environment->shut_down();
  }

 private:
  std::mutex mutex_;
  std::set<Environment*> environments_;
};

/// The work's result; what it throws becomes an error, so that no exception leaves a thread.
Result<Environment::ToJs> caught(const std::function<Result<Environment::ToJs>()>& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::OUT_OF_MEMORY, "memory ran out"};
  } catch (const std::exception& error) {
    return Error{ErrorCode::INTERNAL, std::string("an unexpected error: ") + error.what()};
  }
}

void settle(Napi::Env env, const Napi::Promise::Deferred& deferred, const Result<Environment::ToJs>& result) {
  if (!result) {
    deferred.Reject(to_js(env, result.error()).Value());
    return;
  }
  try {
    deferred.Resolve(result.value()(env));
  } catch (const Napi::Error& error) {
    deferred.Reject(error.Value());
  }
}

/// Held by the environment's instance data, and by every object whose finalizer may run after that of the data.
using Instance = std::shared_ptr<Environment>;

}  // namespace

void Environment::create(Napi::Env env) {
  auto environment = std::make_shared<Environment>(env);
  env.AddCleanupHook([](Environment* ended) { ended->shut_down(); }, environment.get());
  env.SetInstanceData<Instance>(new Instance(std::move(environment)));
}

std::shared_ptr<Environment> Environment::of(Napi::Env env) { return *env.GetInstanceData<Instance>(); }

void Environment::shut_down_at_exit() {
  // A full table of handlers means an exit that may have to wait for nothing; there is nobody to tell.
  static_cast<void>(std::atexit([] { LivingEnvironments::instance().shut_down(); }));
}

Environment::Environment(Napi::Env env) : env_(env), channel_(Channel::New(env, "timbre", 0, 1, this)) {
  channel_.Unref(env);
  LivingEnvironments::instance().add(this);
  shut_down_at_exit();
}

Environment::~Environment() { LivingEnvironments::instance().remove(this); }

void Environment::expect() {
  if (expected_++ == 0) channel_.Ref(env_);
}

void Environment::expect_no_more() {
  if (--expected_ == 0) channel_.Unref(env_);
}

void Environment::deliver(Delivery delivery) {
  auto owned = std::make_unique<Delivery>(std::move(delivery));
  if (channel_.NonBlockingCall(owned.get()) == napi_ok) static_cast<void>(owned.release());
}

void Environment::call_js(Napi::Env env, Napi::Function, Environment* environment, Delivery* delivery) {
  const std::unique_ptr<Delivery> owned(delivery);
  // Without an environment Node only empties the channel's queue.
  if (static_cast<napi_env>(env) == nullptr || environment->shut_down_) return;
  (*owned)(env);
}

Napi::Promise Environment::run(const char* thread_name, std::function<Result<ToJs>()> work) {
  const auto deferred = Napi::Promise::Deferred::New(env_);
  start(thread_name, [this, deferred, work = std::move(work)]() mutable -> Delivery {
    Result<ToJs> result = caught(work);
    work = nullptr;
    return [this, deferred, result = std::move(result)](Napi::Env env) {
      expect_no_more();
      settle(env, deferred, result);
    };
  });
  expect();
  return deferred.Promise();
}

void Environment::run_unattended(const char* thread_name, std::function<void()> work) {
  start(thread_name, [work = std::move(work)]() mutable -> Delivery {
    work();
    work = nullptr;
    return [](Napi::Env) {};
  });
}

void Environment::start(const char* thread_name, std::function<Delivery()> work) {
  const std::size_t number = ++last_thread_;
  threads_.emplace(number, start_worker(thread_name, [this, number, work = std::move(work)] {
                     deliver([this, number, outcome = work()](Napi::Env env) {
                       threads_.at(number).join();
                       threads_.erase(number);
                       outcome(env);
                     });
                   }));
}

void Environment::on_shut_down(const void* owner, std::function<void()> stop) {
  stops_.insert_or_assign(owner, std::move(stop));
}

void Environment::forget(const void* owner) { stops_.erase(owner); }

void Environment::shut_down() {
  if (std::exchange(shut_down_, true)) return;
  for (const auto& [owner, stop] : stops_) stop();
  for (auto& [number, thread] : threads_) thread.join();
  stops_.clear();
  threads_.clear();
}

}  // namespace timbre
