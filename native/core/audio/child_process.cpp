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

/// Both ends close on exec.
struct Pipe {
  Descriptor read;
  Descriptor write;

  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
    read = Descriptor(ends[0]);
    write = Descriptor(ends[1]);
  }
};

/// What posix_spawn() is told. Every call may fail for want of memory.
class SpawnPlan {
 public:
  SpawnPlan() {
    error_ = posix_spawn_file_actions_init(&actions_);
    has_actions_ = error_ == 0;
    if (error_ == 0) error_ = posix_spawnattr_init(&attributes_);
    has_attributes_ = has_actions_ && error_ == 0;
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    if (has_attributes_) posix_spawnattr_destroy(&attributes_);
    if (has_actions_) posix_spawn_file_actions_destroy(&actions_);
  }

  void redirect(int from, int to) {
    if (error_ == 0) error_ = posix_spawn_file_actions_adddup2(&actions_, from, to);
  }

  /// Descriptors that the host forgot to mark.
  void close_others() {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
    if (error_ == 0) error_ = posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
#endif
  }

  /// The engine's threads block every signal; the child must not. Its own group keeps the terminal's Ctrl-C from it.
  void set_signals() {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    constexpr int kFlags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP;
    if (error_ == 0) error_ = posix_spawnattr_setsigmask(&attributes_, &none);
    if (error_ == 0) error_ = posix_spawnattr_setsigdefault(&attributes_, &all);
    if (error_ == 0) error_ = posix_spawnattr_setpgroup(&attributes_, 0);
    if (error_ == 0) error_ = posix_spawnattr_setflags(&attributes_, static_cast<short>(kFlags));
  }

  /// An errno; 0 where the child was started.
  int run(pid_t& pid, const std::string& program, std::vector<char*> arguments, std::vector<char*> environment) {
    if (error_ != 0) return error_;
    return posix_spawn(&pid, program.c_str(), &actions_, &attributes_, arguments.data(), environment.data());
  }

 private:
  int error_ = 0;
  bool has_actions_ = false;
  bool has_attributes_ = false;
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  // execve() takes char* for history's sake and changes nothing.
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

/// An errno; 0 where the limit is set, or a narrower one was inherited.
int limit(pid_t pid, __rlimit_resource resource, std::uint64_t value) {
  rlimit inherited{};
  if (::prlimit(pid, resource, nullptr, &inherited) != 0) return errno;
  const rlim_t bound = std::min<rlim_t>(value, inherited.rlim_max);
  const rlimit narrowed{bound, bound};
  return ::prlimit(pid, resource, &narrowed, nullptr) == 0 ? 0 : errno;
}

int limit(pid_t pid, const ChildLimits& limits) {
  for (const auto& [resource, value] :
       {std::pair{RLIMIT_AS, limits.memory_bytes}, std::pair{RLIMIT_CPU, limits.cpu_seconds},
        std::pair{RLIMIT_FSIZE, std::uint64_t{0}}, std::pair{RLIMIT_CORE, std::uint64_t{0}}}) {
    const int error = limit(pid, resource, value);
    // A child that has ended already needs no limit; it is gone where the host ignores SIGCHLD.
    if (error == ESRCH) return 0;
    if (error != 0) return error;
  }
  return 0;
}

Error cannot_start(const std::string& program, const char* what, int reason) {
  const bool exhausted = reason == EMFILE || reason == ENFILE || reason == EAGAIN || reason == ENOMEM;
  return {exhausted ? ErrorCode::OVERLOADED : ErrorCode::INTERNAL,
          "'" + program + "' could not be " + what + " (" + std::generic_category().message(reason) + ")"};
}

}  // namespace

Result<ChildProcess> ChildProcess::start(const std::string& program, const std::vector<std::string>& arguments,
                                         const std::vector<std::string>& environment, int input,
                                         const ChildLimits& limits) {
  Pipe out;
  if (!out.read) return cannot_start(program, "started", errno);
  Pipe err;
  if (!err.read) return cannot_start(program, "started", errno);
  std::vector<std::string> command{program};
  command.insert(command.end(), arguments.begin(), arguments.end());

  SpawnPlan plan;
  plan.redirect(input, STDIN_FILENO);
  plan.redirect(out.write.get(), STDOUT_FILENO);
  plan.redirect(err.write.get(), STDERR_FILENO);
  plan.close_others();
  plan.set_signals();
  pid_t pid = -1;
  if (const int error = plan.run(pid, program, pointers(command), pointers(environment))) {
    return cannot_start(program, "started", error);
  }
  // From here on the object ends the child, whatever happens.
  ChildProcess child(pid, std::move(out.read), std::move(err.read));
  if (const int error = limit(pid, limits)) return cannot_start(program, "limited in memory and time", error);
  return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      out_(std::move(other.out_)),
      err_(std::move(other.err_)),
      said_(std::move(other.said_)) {}

ChildProcess::~ChildProcess() {
  out_.reset();
  err_.reset();
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::size_t ChildProcess::read(std::span<std::uint8_t> to, std::chrono::milliseconds patience) {
  std::array<pollfd, 2> ready{pollfd{out_.get(), POLLIN, 0}, pollfd{err_.get(), POLLIN, 0}};
  if (::poll(ready.data(), ready.size(), static_cast<int>(patience.count())) <= 0) return 0;
  if (ready[1].revents != 0) {
    std::array<char, kMostSaid> text;
    const ssize_t got = ::read(err_.get(), text.data(), text.size());
    if (got > 0) said_.append(text.data(), std::min(static_cast<std::size_t>(got), kMostSaid - said_.size()));
    if (got == 0 || (got < 0 && errno != EINTR)) err_.reset();
  }
  if (ready[0].revents == 0) return 0;
  const ssize_t got = ::read(out_.get(), to.data(), to.size());
  if (got > 0) return static_cast<std::size_t>(got);
  if (got == 0 || errno != EINTR) out_.reset();
  return 0;
}

std::optional<ChildEnd> ChildProcess::wait(std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds kPause{2};
  for (auto waited = std::chrono::milliseconds{0};; waited += kPause) {
    int status = 0;
    const pid_t got = ::waitpid(pid_, &status, WNOHANG);
    if (got == pid_) {
      pid_ = -1;
      if (WIFEXITED(status)) return ChildEnd{ChildEnd::Kind::kExited, WEXITSTATUS(status)};
      return ChildEnd{ChildEnd::Kind::kSignal, WTERMSIG(status)};
    }
    if (got < 0 && errno != EINTR) {
      pid_ = -1;
      return ChildEnd{};
    }
    if (waited >= patience) return std::nullopt;
    ::poll(nullptr, 0, static_cast<int>(kPause.count()));
  }
}

}  // namespace timbre
