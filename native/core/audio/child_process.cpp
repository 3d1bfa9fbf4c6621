#include "audio/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

namespace timbre {

namespace {

constexpr std::size_t kMostSaid = 4096;

void close_once(int& descriptor) {
  if (descriptor >= 0) ::close(std::exchange(descriptor, -1));
}

/// Both ends close on exec.
struct Pipe {
  int read = -1;
  int write = -1;

  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) == 0) {
      read = ends[0];
      write = ends[1];
    }
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_once(read);
    close_once(write);
  }
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  // execve() takes char* for history's sake and changes nothing.
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

void limit(pid_t pid, __rlimit_resource resource, std::uint64_t value) {
  const rlimit bound{value, value};
  static_cast<void>(::prlimit(pid, resource, &bound, nullptr));
}

}  // namespace

Result<ChildProcess> ChildProcess::start(const std::string& program, const std::vector<std::string>& arguments,
                                         const std::vector<std::string>& environment, int input,
                                         const ChildLimits& limits) {
  const auto failed = [&](int reason) {
    const bool exhausted = reason == EMFILE || reason == ENFILE || reason == EAGAIN || reason == ENOMEM;
    return Error{exhausted ? ErrorCode::OVERLOADED : ErrorCode::INTERNAL,
                 "'" + program + "' could not be started (" + std::generic_category().message(reason) + ")"};
  };
  Pipe out;
  Pipe err;
  if (out.read < 0 || err.read < 0) return failed(errno);

  std::vector<std::string> command{program};
  command.insert(command.end(), arguments.begin(), arguments.end());

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  if (const int error = posix_spawn_file_actions_init(&actions)) return failed(error);
  if (const int error = posix_spawnattr_init(&attributes)) {
    posix_spawn_file_actions_destroy(&actions);
    return failed(error);
  }
  posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.write, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.write, STDERR_FILENO);
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
  // Descriptors that the host forgot to mark.
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
#endif
  // The engine's threads block every signal; the child must not. Its own group keeps the terminal's Ctrl-C from it.
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);

  pid_t pid = -1;
  const int error =
      posix_spawn(&pid, program.c_str(), &actions, &attributes, pointers(command).data(), pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error) return failed(error);

  limit(pid, RLIMIT_AS, limits.memory_bytes);
  limit(pid, RLIMIT_CPU, limits.cpu_seconds);
  limit(pid, RLIMIT_FSIZE, 0);
  limit(pid, RLIMIT_CORE, 0);
  return ChildProcess(pid, std::exchange(out.read, -1), std::exchange(err.read, -1));
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      out_(std::exchange(other.out_, -1)),
      err_(std::exchange(other.err_, -1)),
      said_(std::move(other.said_)) {}

ChildProcess::~ChildProcess() {
  close_once(out_);
  close_once(err_);
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::size_t ChildProcess::read(std::span<std::uint8_t> to, std::chrono::milliseconds patience) {
  std::array<pollfd, 2> ready{pollfd{out_, POLLIN, 0}, pollfd{err_, POLLIN, 0}};
  if (::poll(ready.data(), ready.size(), static_cast<int>(patience.count())) <= 0) return 0;
  if (ready[1].revents != 0) {
    std::array<char, kMostSaid> text;
    const ssize_t got = ::read(err_, text.data(), text.size());
    if (got > 0) said_.append(text.data(), std::min(static_cast<std::size_t>(got), kMostSaid - said_.size()));
    if (got == 0 || (got < 0 && errno != EINTR)) close_once(err_);
  }
  if (ready[0].revents == 0) return 0;
  const ssize_t got = ::read(out_, to.data(), to.size());
  if (got > 0) return static_cast<std::size_t>(got);
  if (got == 0 || errno != EINTR) close_once(out_);
  return 0;
}

std::optional<int> ChildProcess::wait(std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds kPause{2};
  for (auto waited = std::chrono::milliseconds{0};; waited += kPause) {
    int status = 0;
    const pid_t got = ::waitpid(pid_, &status, WNOHANG);
    if (got == pid_) {
      pid_ = -1;
      return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
    }
    if (got < 0 && errno != EINTR) {
      // A host that ignores SIGCHLD has its children reaped by the kernel, without a status.
      pid_ = -1;
      return 0;
    }
    if (waited >= patience) return std::nullopt;
    ::poll(nullptr, 0, static_cast<int>(kPause.count()));
  }
}

}  // namespace timbre
