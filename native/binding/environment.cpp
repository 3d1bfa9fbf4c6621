#include "environment.h"

#include <cstdlib>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "support/worker_thread.h"
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

void Environment::deliver(std::unique_ptr<Delivery> delivery) noexcept {
  if (channel_.NonBlockingCall(delivery.get()) == napi_ok) static_cast<void>(delivery.release());
}

void Environment::call_js(Napi::Env env, Napi::Function, Environment* environment, Delivery* delivery) {
  const std::unique_ptr<Delivery> owned(delivery);
  // Without an environment Node only empties the channel's queue.
  if (static_cast<napi_env>(env) == nullptr || environment->shut_down_) return;
  owned->arrive(env);
}

/// Runs on a thread of its own, then arrives where it was started.
class Environment::Work : public Delivery {
 public:
  Work(Environment& environment, std::size_t number) : environment_(environment), number_(number) {}

  virtual void run() noexcept = 0;

  void arrive(Napi::Env env) override {
    const auto thread = environment_.threads_.extract(number_);
    thread.mapped().join();
    settle(env);
  }

 protected:
  virtual void settle(Napi::Env env) = 0;

  Environment& environment_;

 private:
  friend class Environment;
  const std::size_t number_;
};

class Environment::AttendedWork final : public Work {
 public:
  AttendedWork(Environment& environment, std::size_t number, std::function<Result<ToJs>()> work)
      : Work(environment, number), deferred_(Napi::Promise::Deferred::New(environment.env_)), work_(std::move(work)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

  void run() noexcept override {
    try {
      result_ = work_();
    } catch (...) {
      result_ = caught_error("working for a call", "try again later");
    }
    work_ = nullptr;
  }

 private:
  void settle(Napi::Env env) override {
    environment_.expect_no_more();
    timbre::settle(env, deferred_, result_);
  }

  const Napi::Promise::Deferred deferred_;
  std::function<Result<ToJs>()> work_;
  Result<ToJs> result_ = Error{ErrorCode::INTERNAL, ""};
};

class Environment::UnattendedWork final : public Work {
 public:
  UnattendedWork(Environment& environment, std::size_t number, std::function<void()> work)
      : Work(environment, number), work_(std::move(work)) {}

  void run() noexcept override {
    work_();
    work_ = nullptr;
  }

 private:
  void settle(Napi::Env) override {}

  std::function<void()> work_;
};

Napi::Promise Environment::run(const char* thread_name, std::function<Result<ToJs>()> work) {
  auto attended = std::make_unique<AttendedWork>(*this, ++last_thread_, std::move(work));
  const Napi::Promise promise = attended->promise();
  start(thread_name, std::move(attended));
  expect();
  return promise;
}

void Environment::run_unattended(const char* thread_name, std::function<void()> work) {
  start(thread_name, std::make_unique<UnattendedWork>(*this, ++last_thread_, std::move(work)));
}

void Environment::start(const char* thread_name, std::unique_ptr<Work> work) {
  // Its place comes first: a thread that has started must not be lost.
  const auto place = threads_.try_emplace(work->number_).first;
  try {
    place->second = start_worker(thread_name, [this, raw = work.get()]() noexcept {
      raw->run();
      deliver(std::unique_ptr<Delivery>(raw));
    });
  } catch (...) {
    threads_.erase(place);
    throw;
  }
  static_cast<void>(work.release());
}

Result<SearchPool*> Environment::searches() {
  if (!searches_) {
    auto made = SearchPool::create({});
    if (!made) return std::move(made).error();
    searches_ = std::move(made).value();
  }
  return searches_.get();
}

void Environment::on_shut_down(const void* owner, std::function<void()> stop) {
  stops_.insert_or_assign(owner, std::move(stop));
}

void Environment::forget(const void* owner) { stops_.erase(owner); }

void Environment::shut_down() {
  if (std::exchange(shut_down_, true)) return;
  for (const auto& [owner, stop] : stops_) stop();
  searches_.reset();
  for (auto& [number, thread] : threads_) thread.join();
  stops_.clear();
  threads_.clear();
}

}  // namespace timbre
