#include "engine/worker_thread.h"

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

}  // namespace

std::thread start_worker(std::string name, std::function<void()> body) {
  // The new thread inherits the mask: signals are the host's business.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread([name = std::move(name), body = std::move(body)] {
    pthread_setname_np(pthread_self(), name.c_str());
    const auto id = static_cast<id_t>(syscall(SYS_gettid));
    // Where niceness may not be raised the engine works all the same, only less politely.
    static_cast<void>(setpriority(PRIO_PROCESS, id, getpriority(PRIO_PROCESS, id) + kNicer));
    body();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace timbre
