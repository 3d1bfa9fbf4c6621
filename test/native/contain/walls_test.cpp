// What a program can do behind the walls, tried by a Python that runs behind them.
#include "contain/walls.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

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
    while (!child.value().output.ended()) {
      const std::size_t got = child.value().output.read(bytes, 20ms);
      all.append(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(got));
    }
    return all + child.value().output.said();
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

/// What is tried behind a decoder's walls, and the error that it ends with; 0 for none.
struct Attempt {
  const char* what;
  long (*act)();
  int expected;
};

std::vector<Attempt> attempts() {
  return {
      {"open", [] { return static_cast<long>(::open("/etc/passwd", O_RDONLY)); }, EPERM},
      {"create", [] { return ::syscall(SYS_openat, AT_FDCWD, "/tmp/timbre-walls", O_CREAT | O_RDWR, 0600); }, EPERM},
      {"look at a name",
       [] {
         struct stat status {};
         return ::syscall(SYS_newfstatat, AT_FDCWD, "/etc/passwd", &status, 0);
       },
       EPERM},
      {"socket", [] { return static_cast<long>(::socket(AF_INET, SOCK_STREAM, 0)); }, EPERM},
      {"connect", [] { return ::syscall(SYS_connect, 0, nullptr, 0); }, EPERM},
      {"fork", [] { return ::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr); }, EPERM},
      {"thread", [] { return ::syscall(SYS_clone, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND, nullptr); }, EPERM},
      {"execute", [] { return ::syscall(SYS_execve, "/bin/true", nullptr, nullptr); }, EPERM},
      {"signal", [] { return static_cast<long>(::kill(::getppid(), 0)); }, EPERM},
      {"ptrace", [] { return ::syscall(SYS_ptrace, 16, 1, 0, 0); }, EPERM},
      {"memory that runs",
       [] {
         void* const page = ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
         return page == MAP_FAILED ? -1L : 0L;
       },
       EPERM},
      {"make memory run",
       [] {
         void* const page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
         return static_cast<long>(::mprotect(page, 4096, PROT_READ | PROT_EXEC));
       },
       EPERM},
      {"memory file", [] { return ::syscall(SYS_memfd_create, "x", 0); }, EPERM},
      {"write to what it was given", [] { return static_cast<long>(::write(9, "x", 1)); }, EPERM},
      {"duplicate", [] { return static_cast<long>(::dup(1)); }, EPERM},
      {"own limits",
       [] {
         const rlimit more{64, 64};
         return static_cast<long>(::setrlimit(RLIMIT_NOFILE, &more));
       },
       EPERM},
      {"io_uring", [] { return ::syscall(SYS_io_uring_setup, 1, nullptr); }, EPERM},
      {"memory", [] { return std::malloc(64U << 20U) ? 0L : -1L; }, 0},
      {"read what it was given",
       [] {
         char byte = 0;
         return static_cast<long>(::pread(9, &byte, 1, 0));
       },
       0},
      {"the time",
       [] {
         timespec now{};
         return ::syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
       },
       0},
  };
}

TEST(DecoderWalls, LeaveNothingButMemoryAndWhatIsOpen) {
  const Walls possible = possible_walls();
  ASSERT_TRUE(possible.files && possible.calls) << "this kernel, or the container, has no Landlock or no seccomp";
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto all = attempts();
    if (::dup2(ends[1], 2) < 0 || ::dup2(::open("/etc/hostname", O_RDONLY), 9) < 0) ::_exit(2);
    const auto walls = enclose_decoder();
    if (!walls || !walls.value().files || !walls.value().calls) ::_exit(3);
    for (const Attempt& attempt : all) {
      const unsigned char error = attempt.act() < 0 ? static_cast<unsigned char>(errno) : 0;
      if (::write(2, &error, 1) != 1) ::_exit(4);
    }
    ::_exit(0);
  }
  ::close(ends[1]);
  for (const Attempt& attempt : attempts()) {
    unsigned char error = 255;
    ASSERT_EQ(::read(ends[0], &error, 1), 1) << "it ended at: " << attempt.what;
    EXPECT_EQ(error, attempt.expected) << attempt.what;
  }
  ::close(ends[0]);
  std::ifstream facts("/proc/" + std::to_string(child) + "/status");
  EXPECT_THAT(std::string(std::istreambuf_iterator<char>(facts), {}), ::testing::HasSubstr("NoNewPrivs:\t1\n"));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(HideMemory, LeavesNoCoreAndNoDebugger) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // As somebody who wants core dumps has it, where the system lets him.
    rlimit cores{};
    if (::getrlimit(RLIMIT_CORE, &cores) != 0) ::_exit(2);
    cores.rlim_cur = cores.rlim_max;
    if (::setrlimit(RLIMIT_CORE, &cores) != 0 || hide_memory() != 0) ::_exit(2);
    if (::getrlimit(RLIMIT_CORE, &cores) != 0 || cores.rlim_cur != 0 || cores.rlim_max != 0) ::_exit(4);
    ::_exit(::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : 3);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace timbre
