#include "support/worker_thread.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <utility>

namespace timbre {

namespace {

/// Steps of niceness below the host's threads; bench/js measures the event loop's delay with it.
constexpr int kNicer = 5;

/// Blocks every signal on this thread for as long as it lives; a thread that is started meanwhile inherits that.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

std::thread start_worker(std::string name, std::function<void()> body) {
  const SignalsBlocked during_the_start;
  return std::thread([name = std::move(name), body = std::move(body)] {
    pthread_setname_np(pthread_self(), name.c_str());
    const auto id = static_cast<id_t>(syscall(SYS_gettid));
    // Where niceness may not be raised the work is done all the same, only less politely.
    static_cast<void>(setpriority(PRIO_PROCESS, id, getpriority(PRIO_PROCESS, id) + kNicer));
    body();
  });
}

}  // namespace timbre
