#pragma once

#include <napi.h>

#include <functional>
#include <map>
#include <memory>
#include <thread>

#include "support/result.h"

namespace timbre {

/// What one JS environment (the main thread, or a worker thread) holds of the addon.
///
/// Work leaves the JS thread for an engine's queue or, by run(), for a thread of its own; its outcome comes back by
/// deliver(). The environment ends with shut_down(), which leaves no thread of the addon's behind.
///
/// Everything but deliver() is for the JS thread.
class Environment : public std::enable_shared_from_this<Environment> {
 public:
  /// Runs on the JS thread; is dropped when the environment ends before.
  using Delivery = std::function<void(Napi::Env)>;

  /// Makes a value on the JS thread.
  using ToJs = std::function<Napi::Value(Napi::Env)>;

  /// Called once by the module's initialisation.
  static void create(Napi::Env env);
  static std::shared_ptr<Environment> of(Napi::Env env);

  /// Registered again after whatever has made LibTorch construct more of its statics: handlers run before the
  /// destructors of what was constructed earlier, and no thread may be inside LibTorch when those run. From any thread.
  static void shut_down_at_exit();

  explicit Environment(Napi::Env env);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  /// Keeps the process alive until one delivery more was made, or the promise of it is taken back.
  void expect();
  void expect_no_more();

  /// From any thread. Each must have been expected.
  void deliver(Delivery delivery);

  /// A promise of what `work` makes on a thread of its own. Not on libuv's pool: its four threads serve all of the
  /// process's file system and name look-ups, which would wait for the seconds that loading a model takes.
  /// Throws std::system_error where no thread can be started.
  Napi::Promise run(const char* thread_name, std::function<Result<ToJs>()> work);

  /// The same for work that nobody waits for and that cannot fail: the process may end before.
  void run_unattended(const char* thread_name, std::function<void()> work);

  /// What has to stop before the environment ends, by its owner.
  void on_shut_down(const void* owner, std::function<void()> stop);
  void forget(const void* owner);

  /// Of Encoder, which load() constructs.
  Napi::FunctionReference encoder_constructor;

  /// Stops everything and joins every thread. A forward call that has begun is waited for: LibTorch offers no way to
  /// stop it. Safe to call again.
  void shut_down();
  bool is_shut_down() const { return shut_down_; }

 private:
  static void call_js(Napi::Env env, Napi::Function, Environment* environment, Delivery* delivery);
  using Channel = Napi::TypedThreadSafeFunction<Environment, Delivery, &Environment::call_js>;

  void start(const char* thread_name, std::function<Delivery()> work);

  const Napi::Env env_;
  Channel channel_;
  std::size_t expected_ = 0;
  std::map<std::size_t, std::thread> threads_;
  std::size_t last_thread_ = 0;
  std::map<const void*, std::function<void()>> stops_;
  bool shut_down_ = false;
};

}  // namespace timbre
