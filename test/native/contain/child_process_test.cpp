// A program as a child: its output, its end, its limits.
#include "contain/child_process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <array>
#include <csignal>

namespace timbre {
namespace {

using namespace std::chrono_literals;

constexpr ChildLimits kPlenty{1ULL << 30U, 10};

Result<ChildProcess> shell(const std::string& script, const ChildLimits& limits = kPlenty) {
  const Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return ChildProcess::start("/bin/sh", {"-c", script}, {"PATH=/usr/bin:/bin"}, nothing.get(), limits);
}

std::string output_of(ChildProcess& child) {
  std::string all;
  std::array<std::uint8_t, 256> bytes{};
  while (!child.output.ended()) {
    const std::size_t got = child.output.read(bytes, 20ms);
    all.append(bytes.begin(), bytes.begin() + got);
  }
  return all;
}

ChildEnd end_of(ChildProcess& child) {
  std::optional<ChildEnd> end;
  while (!(end = child.child.wait(20ms))) {
  }
  return *end;
}

/// A signal that is ignored for as long as it lives.
class Ignored {
 public:
  explicit Ignored(int signal) : signal_(signal), before_(std::signal(signal, SIG_IGN)) {}
  Ignored(const Ignored&) = delete;
  Ignored& operator=(const Ignored&) = delete;
  ~Ignored() { std::signal(signal_, before_); }

 private:
  const int signal_;
  void (*const before_)(int);
};

TEST(ChildProcess, GivesOutputErrorsAndStatus) {
  auto child = shell("echo heard; echo said >&2; exit 3");
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_EQ(output_of(child.value()), "heard\n");
  EXPECT_EQ(child.value().output.said(), "said\n");
  const ChildEnd end = end_of(child.value());
  EXPECT_EQ(end.kind, ChildEnd::Kind::kExited);
  EXPECT_EQ(end.value, 3);
  EXPECT_FALSE(end.success());
}

TEST(ChildProcess, OnlyStatusZeroIsSuccess) {
  auto child = shell("exit 0");
  ASSERT_TRUE(child);
  EXPECT_TRUE(end_of(child.value()).success());
}

TEST(ChildProcess, TellsTheSignalThatEndedIt) {
  auto child = shell("kill -9 $$");
  ASSERT_TRUE(child);
  const ChildEnd end = end_of(child.value());
  EXPECT_EQ(end.kind, ChildEnd::Kind::kSignal);
  EXPECT_EQ(end.value, SIGKILL);
  EXPECT_FALSE(end.success());
}

TEST(ChildProcess, AnEndThatNobodyKnowsIsNoSuccess) {
  // The kernel throws the status away where the host ignores SIGCHLD.
  const Ignored ignored(SIGCHLD);
  auto child = shell("exit 0");
  ASSERT_TRUE(child) << child.error().message;
  const ChildEnd end = end_of(child.value());
  EXPECT_EQ(end.kind, ChildEnd::Kind::kUnknown);
  EXPECT_FALSE(end.success());
}

TEST(ChildProcess, KeepsToItsMemory) {
  auto child = shell("x=a; while true; do x=$x$x; done", {64ULL << 20U, 10});
  ASSERT_TRUE(child);
  output_of(child.value());
  EXPECT_FALSE(end_of(child.value()).success());
  auto other = shell("ulimit -H -v", {64ULL << 20U, 10});
  ASSERT_TRUE(other);
  EXPECT_EQ(output_of(other.value()), std::to_string(64U << 10U) + "\n");  // KiB
}

TEST(ChildProcess, KeepsToItsTime) {
  auto child = shell("while true; do :; done", {1ULL << 30U, 1});
  ASSERT_TRUE(child);
  const ChildEnd end = end_of(child.value());
  EXPECT_EQ(end.kind, ChildEnd::Kind::kSignal);
}

TEST(ChildProcess, WritesNoFiles) {
  auto child = shell("echo x > \"${TMPDIR:-/tmp}/timbre-child-process-test-$$\" && exit 0; exit 9");
  ASSERT_TRUE(child);
  EXPECT_FALSE(end_of(child.value()).success());
}

TEST(ChildProcess, LeavesNoCore) {
  auto child = shell("ulimit -H -c");
  ASSERT_TRUE(child);
  EXPECT_EQ(output_of(child.value()), "0\n");
  EXPECT_TRUE(end_of(child.value()).success());
}

TEST(ChildProcess, InheritsNoDescriptorThatTheHostForgotToMark) {
  const Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const Descriptor forgotten(::fcntl(nothing.get(), F_DUPFD, 100));
  ASSERT_GE(forgotten.get(), 100);
  auto child = shell("echo /proc/self/fd/*");
  ASSERT_TRUE(child);
  const std::string open = output_of(child.value());
  EXPECT_THAT(open, ::testing::HasSubstr("/proc/self/fd/2"));
  EXPECT_THAT(open, ::testing::Not(::testing::HasSubstr("/proc/self/fd/" + std::to_string(forgotten.get()))));
  EXPECT_TRUE(end_of(child.value()).success());
}

TEST(ChildProcess, InheritsANarrowerLimitThanItIsGiven) {
  // In a process of its own: a limit that was lowered cannot be raised again.
  const pid_t fork_of = ::fork();
  ASSERT_GE(fork_of, 0);
  if (fork_of == 0) {
    const rlimit narrow{5, 5};
    if (::setrlimit(RLIMIT_CPU, &narrow) != 0) ::_exit(2);
    auto child = shell("ulimit -H -t", {1ULL << 30U, 100});
    if (!child) ::_exit(3);
    const std::string said = output_of(child.value());
    ::_exit(end_of(child.value()).success() && said == "5\n" ? 0 : 4);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(fork_of, &status, 0), fork_of);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(ChildProcess, SaysThatAProgramIsNotThere) {
  const auto child = ChildProcess::start("/no/such/program", {}, {}, STDIN_FILENO, kPlenty);
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, ErrorCode::INTERNAL);
  EXPECT_THAT(child.error().message, testing::HasSubstr("/no/such/program"));
}

TEST(ChildProcess, SaysThatDescriptorsRanOut) {
  const pid_t fork_of = ::fork();
  ASSERT_GE(fork_of, 0);
  if (fork_of == 0) {
    const Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const rlimit none{4, 4};
    if (::setrlimit(RLIMIT_NOFILE, &none) != 0) ::_exit(2);
    const auto child = ChildProcess::start("/bin/sh", {"-c", "exit 0"}, {}, nothing.get(), kPlenty);
    ::_exit(!child && child.error().code == ErrorCode::OVERLOADED ? 0 : 3);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(fork_of, &status, 0), fork_of);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace timbre
