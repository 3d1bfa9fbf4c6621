#include "support/open_beneath.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>

#include "scratch.h"

namespace timbre {
namespace {

namespace fs = std::filesystem;
using testing::Scratch;
using testing::write_file;

std::string content_of(int descriptor) {
  std::string bytes(100, '\0');
  const ssize_t got = ::pread(descriptor, bytes.data(), bytes.size(), 0);
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

/// Everything in both ways that names are looked up.
class OpenBeneath : public ::testing::TestWithParam<Lookup> {
 protected:
  OpenBeneath() {
    fs::create_directories(scratch_ / "root/deep/er");
    fs::create_directories(scratch_ / "data/spool");
    write_file(scratch_ / "root/a.wav", "inside");
    write_file(scratch_ / "root/deep/er/b.wav", "deep inside");
    write_file(scratch_ / "secret.wav", "outside");
    write_file(scratch_ / "data/spool/1", "somebody's upload");
    folders_ = {{scratch_ / "root"}, {}};
  }

  /// The content, or the code of the refusal.
  std::string open(const std::string& path) {
    why_.clear();
    message_.clear();
    auto file = open_beneath(path, folders_, &why_, GetParam());
    if (file) return content_of(file.value().get());
    message_ = file.error().message;
    return std::string(name(file.error().code));
  }

  Scratch scratch_;
  OpenFolders folders_;
  std::string why_;
  std::string message_;
};

INSTANTIATE_TEST_SUITE_P(BothLookups, OpenBeneath, ::testing::Values(Lookup::kOpenat2, Lookup::kWalk),
                         [](const auto& lookup) { return lookup.param == Lookup::kOpenat2 ? "openat2" : "walk"; });

TEST_P(OpenBeneath, GivesAFileBeneathARootHoweverDeep) {
  EXPECT_EQ(open(scratch_ / "root/a.wav"), "inside");
  EXPECT_EQ(open(scratch_ / "root//deep/er/b.wav"), "deep inside");
}

TEST_P(OpenBeneath, ReadsFromADescriptorThatNoChildInherits) {
  auto file = open_beneath(scratch_ / "root/a.wav", folders_, nullptr, GetParam());
  ASSERT_TRUE(file);
  EXPECT_NE(::fcntl(file.value().get(), F_GETFD) & FD_CLOEXEC, 0);
  const int flags = ::fcntl(file.value().get(), F_GETFL);
  EXPECT_EQ(flags & O_ACCMODE, O_RDONLY);
  // Opening would have waited for nobody, had a pipe taken the name.
  EXPECT_NE(flags & O_NONBLOCK, 0);
}

TEST_P(OpenBeneath, AnswersEverythingThatItRefusesWithOneCodeAndOneText) {
  fs::create_symlink(scratch_ / "secret.wav", scratch_ / "root/link.wav");
  fs::create_symlink("a.wav", scratch_ / "root/link-inside.wav");
  fs::create_directory_symlink(scratch_.folder(), scratch_ / "root/up");
  fs::create_directory_symlink("deep", scratch_ / "root/sideways");
  ASSERT_EQ(::mkfifo((scratch_ / "root/pipe").c_str(), 0600), 0);
  write_file(scratch_ / "root/unreadable.wav", "x");
  ASSERT_EQ(::chmod((scratch_ / "root/unreadable.wav").c_str(), 0), 0);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (scratch_ / "root/socket").copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);

  std::string told;
  for (const std::string& path : {scratch_ / "secret.wav",
                                  scratch_ / "nowhere.wav",
                                  scratch_ / "root/nowhere.wav",
                                  scratch_ / "root",
                                  scratch_ / "root/",
                                  scratch_ / "root/deep",
                                  scratch_ / "root/link.wav",
                                  scratch_ / "root/link-inside.wav",
                                  scratch_ / "root/up/secret.wav",
                                  scratch_ / "root/sideways/er/b.wav",
                                  scratch_ / "root/pipe",
                                  scratch_ / "root/socket",
                                  scratch_ / "root/../secret.wav",
                                  scratch_ / "root/./a.wav",
                                  scratch_ / "root/a.wav/below",
                                  scratch_ / "rooted.wav",
                                  std::string("/dev/zero"),
                                  std::string("/proc/self/fd/0"),
                                  std::string("/etc/passwd"),
                                  std::string("root/a.wav"),
                                  std::string(),
                                  std::string("/"),
                                  scratch_ / std::string("root/a.wav\0.mp3", 14),
                                  scratch_ / ("root/" + std::string(5000, 'x'))}) {
    EXPECT_EQ(open(path), "AUDIO_NOT_FOUND") << path;
    if (told.empty()) told = message_;
    EXPECT_EQ(message_, told) << path;
    EXPECT_NE(why_, "") << path;
  }
  EXPECT_THAT(told, ::testing::Not(::testing::HasSubstr("/")));
  if (::geteuid() != 0) {
    EXPECT_EQ(open(scratch_ / "root/unreadable.wav"), "AUDIO_NOT_FOUND");
    EXPECT_EQ(message_, told);
  }
  ::close(socket);
}

TEST_P(OpenBeneath, FollowsNoLinkOfProcThoughARootHoldsProc) {
  const int other = ::open((scratch_ / "secret.wav").c_str(), O_RDONLY);
  ASSERT_GE(other, 0);
  folders_.roots = {"/", "/proc"};
  const std::string process = "/proc/" + std::to_string(::getpid());
  for (const std::string& path :
       {"/proc/self/fd/" + std::to_string(other), process + "/fd/" + std::to_string(other),
        process + "/root" + (scratch_ / "secret.wav"), process + "/cwd/CMakeLists.txt", process + "/exe",
        process + "/environ", process + "/status", std::string("/sys/kernel/uevent_seqnum")}) {
    EXPECT_EQ(open(path), "AUDIO_NOT_FOUND") << path;
  }
  EXPECT_EQ(open(scratch_ / "secret.wav"), "outside");
  ::close(other);
}

TEST_P(OpenBeneath, FollowsTheLinksOfTheOperatorsOwnRoot) {
  fs::create_directory_symlink(scratch_ / "root", scratch_ / "mounted");
  folders_.roots = {scratch_ / "mounted"};
  EXPECT_EQ(open(scratch_ / "mounted/a.wav"), "inside");
  EXPECT_EQ(open(fs::canonical(scratch_ / "root").string() + "/a.wav"), "inside");
  folders_.roots = {scratch_ / "no-such-root", scratch_ / "root"};
  EXPECT_EQ(open(scratch_ / "root/a.wav"), "inside");
}

TEST_P(OpenBeneath, OpensNothingInAClosedFolderWhicheverWayItLies) {
  folders_.closed = {scratch_ / "data", scratch_ / "not-there"};
  folders_.roots = {scratch_.folder().string()};
  EXPECT_EQ(open(scratch_ / "secret.wav"), "outside");
  EXPECT_EQ(open(scratch_ / "data/spool/1"), "AUDIO_NOT_FOUND");
  folders_.roots = {scratch_ / "data"};
  EXPECT_EQ(open(scratch_ / "data/spool/1"), "AUDIO_NOT_FOUND");
  folders_.roots = {scratch_ / "data/spool"};
  EXPECT_EQ(open(scratch_ / "data/spool/1"), "AUDIO_NOT_FOUND");
  // By another name of the same folder.
  fs::create_directory_symlink(scratch_ / "data", scratch_ / "alias");
  folders_ = {{scratch_.folder().string()}, {scratch_ / "alias"}};
  EXPECT_EQ(open(scratch_ / "data/spool/1"), "AUDIO_NOT_FOUND");
  folders_ = {{scratch_ / "alias"}, {scratch_ / "data"}};
  EXPECT_EQ(open(scratch_ / "alias/spool/1"), "AUDIO_NOT_FOUND");
}

TEST_P(OpenBeneath, OpensNoClosedFileByAnyOfItsNames) {
  fs::create_hard_link(scratch_ / "secret.wav", scratch_ / "root/hard.wav");
  EXPECT_EQ(open(scratch_ / "root/hard.wav"), "outside");
  folders_.closed = {scratch_ / "secret.wav"};
  EXPECT_EQ(open(scratch_ / "root/hard.wav"), "AUDIO_NOT_FOUND");
}

TEST_P(OpenBeneath, NeverLeadsOutHoweverOftenNamesAreExchanged) {
  fs::create_directory(scratch_ / "elsewhere");
  write_file(scratch_ / "elsewhere/b.wav", "outside");
  write_file(scratch_ / "root/plain.wav", "inside");
  fs::create_directory(scratch_ / "root/turn");
  write_file(scratch_ / "root/turn/b.wav", "inside");
  const std::string file = scratch_ / "root/turned.wav";
  const std::string folder = scratch_ / "root/turn";
  std::atomic<bool> done = false;
  std::thread swapping([&] {
    const std::string aside = scratch_ / "root/aside";
    for (std::size_t i = 0; !done; ++i) {
      std::error_code ignored;
      fs::remove(aside, ignored);
      if (i % 2 == 0) {
        fs::create_symlink(scratch_ / "secret.wav", aside, ignored);
      } else {
        fs::create_hard_link(scratch_ / "root/plain.wav", aside, ignored);
      }
      fs::rename(aside, file, ignored);
      fs::rename(folder, scratch_ / "root/turn-aside", ignored);
      fs::create_directory_symlink(scratch_ / "elsewhere", folder, ignored);
      fs::remove(folder, ignored);
      fs::rename(scratch_ / "root/turn-aside", folder, ignored);
    }
  });
  std::size_t opened = 0;
  for (int i = 0; i < 2000; ++i) {
    for (const std::string& path : {file, folder + "/b.wav"}) {
      const std::string found = open(path);
      ASSERT_NE(found, "outside") << path;
      opened += found == "inside" ? 1 : 0;
    }
  }
  done = true;
  swapping.join();
  EXPECT_GT(opened, 0U);
}

TEST_P(OpenBeneath, DoesNotWaitForAPipeThatTookTheNameOfAFile) {
  const std::string path = scratch_ / "root/turned.wav";
  std::atomic<bool> done = false;
  std::thread swapping([&] {
    const std::string aside = scratch_ / "root/aside";
    for (std::size_t i = 0; !done; ++i) {
      std::error_code ignored;
      fs::remove(aside, ignored);
      if (i % 2 == 0) {
        ::mkfifo(aside.c_str(), 0600);
      } else {
        fs::create_hard_link(scratch_ / "root/a.wav", aside, ignored);
      }
      fs::rename(aside, path, ignored);
    }
  });
  for (int i = 0; i < 2000; ++i) {
    auto file = open_beneath(path, folders_, nullptr, GetParam());
    if (!file) continue;
    struct stat status {};
    ASSERT_EQ(::fstat(file.value().get(), &status), 0);
    ASSERT_TRUE(S_ISREG(status.st_mode));
  }
  done = true;
  swapping.join();
}

TEST_P(OpenBeneath, SaysThatDescriptorsAreUsedUpAndLeavesNoneOpen) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const auto count = [] { return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()); };
  const auto open_now = count();
  rlimit few = before;
  const Descriptor next(::dup(0));
  few.rlim_cur = static_cast<rlim_t>(next.get()) + 1;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  EXPECT_EQ(open(scratch_ / "root/a.wav"), "OVERLOADED");
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(open(scratch_ / "root/a.wav"), "inside");
  for (int i = 0; i < 100; ++i) {
    static_cast<void>(open(scratch_ / "root/deep/er/b.wav"));
    static_cast<void>(open(scratch_ / "root/deep/nowhere"));
  }
  EXPECT_LE(count(), open_now + 1);
}

}  // namespace
}  // namespace timbre
