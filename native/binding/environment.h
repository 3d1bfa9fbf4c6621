#pragma once

#include <napi.h>

#include <functional>
#include <map>
#include <memory>
#include <thread>

#include "scoring/search_pool.h"
#include "support/result.h"

namespace timbre {

/// What one JS environment (the main thread, or a worker thread) holds of the addon.
///
/// Work leaves the JS thread for an engine's queue, for the threads that search galleries or, by run(), for a thread of
/// its own; its outcome comes back by deliver(). The environment ends with shut_down(), which leaves no thread of the
/// addon's behind.
///
/// Everything but deliver() is for the JS thread.
class Environment : public std::enable_shared_from_this<Environment> {
 public:
  /// An outcome on its way to JS. Made before the work begins, with room for what the work gives, so that it can be
  /// delivered whatever has become of memory. Arrives on the JS thread, once; is dropped where the environment ends
  /// before.
  class Delivery {
   public:
    Delivery() = default;
    Delivery(const Delivery&) = delete;
    Delivery& operator=(const Delivery&) = delete;
    virtual ~Delivery() = default;
    virtual void arrive(Napi::Env env) = 0;
  };

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

  /// From any thread.
  void deliver(std::unique_ptr<Delivery> delivery) noexcept;

  /// A promise of what `work` makes on a thread of its own. Not on libuv's pool: its four threads serve all of the
  /// process's file system and name look-ups, which would wait for the seconds that loading a model takes.
  /// Throws what start_worker() throws.
  Napi::Promise run(const char* thread_name, std::function<Result<ToJs>()> work);

  /// The same for work that nobody waits for and that does not throw: the process may end before.
  void run_unattended(const char* thread_name, std::function<void()> work);

  /// The threads that search galleries, started when they are first asked for. Errors: as of SearchPool::create().
  Result<SearchPool*> searches();

  /// What has to stop before the environment ends, by its owner.
  void on_shut_down(const void* owner, std::function<void()> stop);
  void forget(const void* owner);

  /// Of Encoder, which load() constructs.
  Napi::FunctionReference encoder_constructor;

  /// Stops everything and joins every thread: an utterance on a processor stops at the next tile of the network, a
  /// batch on a device is waited for. Safe to call again.
  void shut_down();
  bool is_shut_down() const { return shut_down_; }

 private:
  class Work;
  class AttendedWork;
  class UnattendedWork;

  static void call_js(Napi::Env env, Napi::Function, Environment* environment, Delivery* delivery);
  using Channel = Napi::TypedThreadSafeFunction<Environment, Delivery, &Environment::call_js>;

  void start(const char* thread_name, std::unique_ptr<Work> work);

  const Napi::Env env_;
  Channel channel_;
  std::size_t expected_ = 0;
  std::map<std::size_t, std::thread> threads_;
  std::size_t last_thread_ = 0;
  std::map<const void*, std::function<void()>> stops_;
  std::unique_ptr<SearchPool> searches_;
  bool shut_down_ = false;
};

}  // namespace timbre
