#include "contain/child_process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
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

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  // execve() takes char* for history's sake and changes nothing.
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

/// What a child becomes another program by.
struct Plan {
  const char* program;
  char* const* arguments;
  char* const* environment;
  const std::array<int, 3>& streams;
  const ChildLimits& limits;
  const Enclosure* walls;
  pid_t parent;

  // Written by the child, whose memory is the parent's until it runs the program.
  int fault = 0;
  const char* failed = nullptr;
};

/// 0 where the limit is set, or a narrower one was inherited; or an errno.
int limit(__rlimit_resource resource, std::uint64_t value) noexcept {
  rlimit inherited{};
  if (::getrlimit(resource, &inherited) != 0) return errno;
  const rlim_t bound = std::min<rlim_t>(value, inherited.rlim_max);
  const rlimit narrowed{bound, bound};
  return ::setrlimit(resource, &narrowed) == 0 ? 0 : errno;
}

int limit(const ChildLimits& limits) noexcept {
  const std::array<std::pair<__rlimit_resource, std::uint64_t>, 5> all = {{
      {RLIMIT_AS, limits.memory_bytes},
      {RLIMIT_CPU, limits.cpu_seconds},
      {RLIMIT_NOFILE, limits.descriptors},
      {RLIMIT_FSIZE, 0},
      {RLIMIT_CORE, 0},
  }};
  for (const auto& [resource, value] : all) {
    if (const int fault = limit(resource, value)) return fault;
  }
  return 0;
}

/// The three streams, and nothing else: descriptors that the host forgot to mark close on exec too.
int take_streams(const std::array<int, 3>& streams) noexcept {
  for (int at = 0; at < 3; ++at) {
    if (::dup2(streams[static_cast<std::size_t>(at)], at) < 0) return errno;
  }
  // A kernel without the call closes what was opened with O_CLOEXEC, which is everything of ours.
  ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
  return 0;
}

/// The host's ways with signals are not the child's, and its threads may block all of them. Its own group keeps the
/// terminal's Ctrl-C from it.
void reset_signals() noexcept {
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &usual, nullptr);
  ::setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// Ends the child with the thread that starts it, and so with a host that is killed. 0, or an errno.
int end_with_parent(pid_t parent) noexcept {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return errno;
  return ::getppid() == parent ? 0 : ESRCH;
}

/// In the child, on a stack of its own and in the parent's memory: calls the kernel and nothing else.
int become(void* given) noexcept {
  auto& plan = *static_cast<Plan*>(given);
  const auto fail = [&](int fault, const char* failed) {
    plan.fault = fault;
    plan.failed = failed;
    ::_exit(127);
  };
  reset_signals();
  if (const int fault = end_with_parent(plan.parent)) fail(fault, "tied to its parent");
  if (::chdir("/") != 0) fail(errno, "moved to /");
  if (const int fault = take_streams(plan.streams)) fail(fault, "given its streams");
  if (const int fault = limit(plan.limits)) fail(fault, "limited in memory and time");
  if (const int fault = plan.walls ? plan.walls->enter() : 0) fail(fault, "enclosed");
  ::execve(plan.program, plan.arguments, plan.environment);
  fail(errno, "started");
  return 127;
}

/// The child's id, or -1 with errno. As posix_spawn() does it, which knows neither limits nor walls.
pid_t run(Plan& plan) {
  std::vector<std::byte> stack(std::size_t{64} << 10);
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  // The parent's thread waits until the child has become the program or ended: both use the plan.
  const pid_t pid = ::clone(become, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK | SIGCHLD, &plan);
  const int fault = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = fault;
  return pid;
}

Error cannot_start(const std::string& program, const char* what, int reason) {
  const bool exhausted = reason == EMFILE || reason == ENFILE || reason == EAGAIN || reason == ENOMEM;
  return {exhausted ? ErrorCode::OVERLOADED : ErrorCode::INTERNAL,
          "'" + program + "' could not be " + what + " (" + std::generic_category().message(reason) + ")"};
}

}  // namespace

Result<Child> Child::start(const std::string& program, const std::vector<std::string>& arguments,
                           const std::vector<std::string>& environment, const std::array<int, 3>& streams,
                           const ChildLimits& limits, const Enclosure* walls) {
  std::vector<std::string> command{program};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const auto words = pointers(command);
  const auto variables = pointers(environment);

  Plan plan{program.c_str(), words.data(), variables.data(), streams, limits, walls, ::getpid()};
  const pid_t pid = run(plan);
  if (pid < 0) return cannot_start(program, "started", errno);
  // From here on the object ends the child, whatever happens.
  Child child(pid);
  if (plan.failed) return cannot_start(program, plan.failed, plan.fault);
  return child;
}

Child::~Child() {
  if (pid_ <= 0) return;
  // Where the host ignores SIGCHLD, its number may be another process's once it has ended.
  if (::waitpid(pid_, nullptr, WNOHANG) != 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<ChildProcess> ChildProcess::start(const std::string& program, const std::vector<std::string>& arguments,
                                         const std::vector<std::string>& environment, int input,
                                         const ChildLimits& limits, const Enclosure* walls) {
  Pipe out;
  if (!out.read) return cannot_start(program, "started", errno);
  Pipe err;
  if (!err.read) return cannot_start(program, "started", errno);
  auto child = Child::start(program, arguments, environment, {input, out.write.get(), err.write.get()}, limits, walls);
  if (!child) return std::move(child).error();
  return ChildProcess{std::move(child).value(), ChildOutput(std::move(out.read), std::move(err.read))};
}

std::size_t ChildOutput::read(std::span<std::uint8_t> to, std::chrono::milliseconds patience) {
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

std::optional<ChildEnd> Child::wait(std::chrono::milliseconds patience) {
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
