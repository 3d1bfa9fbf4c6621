// What a program can do behind the walls, tried by a Python that runs behind them.
#include "contain/walls.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "contain/child_process.h"
#include "scratch.h"

namespace timbre {
namespace {

using namespace std::chrono_literals;
using testing::Scratch;
using testing::write_file;

class WallsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const Walls walls = possible_walls();
    ASSERT_TRUE(walls.files && walls.calls) << "this kernel, or the container, has no Landlock or no seccomp";
  }

  /// What a script says behind the walls.
  std::string said(const std::string& script) {
    const auto walls = Enclosure::around(TIMBRE_PYTHON, input_.get(), {});
    EXPECT_TRUE(walls) << walls.error().message;
    auto child = ChildProcess::start(TIMBRE_PYTHON, {"-I", "-S", "-c", "import errno, os, sys\n" + script}, {},
                                     input_.get(), {1ULL << 30U, 10}, &walls.value());
    EXPECT_TRUE(child) << child.error().message;
    std::string all;
    std::array<std::uint8_t, 256> bytes{};
    while (!child.value().ended()) {
      const std::size_t got = child.value().read(bytes, 20ms);
      all.append(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(got));
    }
    return all + child.value().said();
  }

  /// The error that a call ends with.
  std::string refusal(const std::string& call) {
    return said("try:\n  " + call +
                "\n  print('done')\nexcept OSError as error:\n  print(errno.errorcode[error.errno])");
  }

  Scratch scratch_;
  std::string recording_ = [this] {
    write_file(scratch_ / "recording", "heard");
    write_file(scratch_ / "other", "secret");
    return scratch_ / "recording";
  }();
  Descriptor input_{::open(recording_.c_str(), O_RDONLY | O_CLOEXEC)};
};

TEST_F(WallsTest, LetAProgramReadItsInput) {
  EXPECT_EQ(said("print(sys.stdin.read())"), "heard\n");
  EXPECT_EQ(said("print(open('/dev/fd/0').read())"), "heard\n");
}

TEST_F(WallsTest, LetAProgramReadInputWithoutAName) {
  input_.reset(::memfd_create("recording", MFD_CLOEXEC));
  ASSERT_EQ(::write(input_.get(), "heard", 5), 5);
  ASSERT_EQ(::lseek(input_.get(), 0, SEEK_SET), 0);
  EXPECT_EQ(said("print(open('/dev/fd/0').read())"), "heard\n");
}

TEST_F(WallsTest, KeepItFromEveryOtherFile) {
  EXPECT_EQ(refusal("open('" + scratch_ / "other" + "')"), "EACCES\n");
  EXPECT_EQ(refusal("open('/etc/passwd')"), "EACCES\n");
  EXPECT_EQ(refusal("open('/proc/self/environ')"), "EACCES\n");
  EXPECT_EQ(refusal("os.listdir('/')"), "EACCES\n");
  EXPECT_EQ(refusal("open('" + scratch_ / "new" + "', 'w')"), "EACCES\n");
  EXPECT_EQ(refusal("os.unlink('" + recording_ + "')"), "EACCES\n");
  EXPECT_EQ(refusal("os.truncate('" + recording_ + "', 0)"), "EACCES\n");
  EXPECT_EQ(said("print(os.getcwd())"), "/\n");
}

TEST_F(WallsTest, KeepItFromTheNetwork) {
  for (const char* family : {"AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK"}) {
    EXPECT_EQ(refusal(std::string("import socket; socket.socket(socket.") + family + ")"), "EPERM\n") << family;
  }
}

TEST_F(WallsTest, KeepItFromOtherProcesses) {
  EXPECT_EQ(refusal("os.fork()"), "EPERM\n");
  EXPECT_EQ(refusal("os.kill(os.getppid(), 0)"), "EPERM\n");
  EXPECT_EQ(refusal("os.kill(os.getpid(), 0)"), "EPERM\n");
  EXPECT_EQ(refusal("os.execv('/bin/sh', ['sh'])"), "EACCES\n");
  EXPECT_EQ(refusal("os.pidfd_open(os.getppid())"), "EPERM\n");
  EXPECT_EQ(refusal("os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)"), "EPERM\n");
  EXPECT_EQ(refusal("import resource; resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))"), "EPERM\n");
}

TEST_F(WallsTest, LetItHaveThreads) {
  EXPECT_EQ(said("import threading\n"
                 "thread = threading.Thread(target=lambda: print('ran'))\nthread.start()\nthread.join()"),
            "ran\n");
}

TEST_F(WallsTest, GiveNoNewPrivileges) {
  EXPECT_EQ(said("import ctypes\nprint(ctypes.CDLL(None).prctl(39, 0, 0, 0, 0))"), "1\n");  // PR_GET_NO_NEW_PRIVS
}

TEST_F(WallsTest, KeepItToItsDescriptors) { EXPECT_EQ(refusal("[os.dup(0) for _ in range(100)]"), "EMFILE\n"); }

TEST(HideMemory, LeavesNoCoreAndNoDebugger) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (hide_memory() != 0) ::_exit(2);
    ::_exit(::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : 3);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace timbre
