#include "contain/walls.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

namespace timbre {

namespace {

// ------------------------------------------------------------------------------------------------------ files

constexpr std::uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kExecute = LANDLOCK_ACCESS_FS_EXECUTE;
/// Of a rule for something that is no folder.
constexpr std::uint64_t kOfFiles = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE;

/// The version of Landlock; 0 for none.
long landlock_version() {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return version > 0 ? version : 0;
}

/// Every access to files that this version can forbid.
std::uint64_t every_access(long version) {
  constexpr std::uint64_t kFirst = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1U) - 1;
  constexpr std::uint64_t kRefer = kFirst + 1;         // from version 2
  constexpr std::uint64_t kTruncate = kRefer << 1U;    // 3
  constexpr std::uint64_t kDevices = kTruncate << 1U;  // 5
  return kFirst | (version >= 2 ? kRefer : 0) | (version >= 3 ? kTruncate : 0) | (version >= 5 ? kDevices : 0);
}

/// A set of rules that allows nothing yet. Not valid, with errno, where it cannot be made.
Descriptor no_files(long version) {
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = every_access(version);
  // Fields of later versions are left out, for which older kernels would refuse the whole.
  return Descriptor(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes.handled_access_fs), 0)));
}

/// 0, or an errno.
int allow(int rules, int place, std::uint64_t access) {
  struct stat status {};
  if (::fstat(place, &status) != 0) return errno;
  landlock_path_beneath_attr rule{};
  rule.parent_fd = place;
  rule.allowed_access = S_ISDIR(status.st_mode) ? access : access & kOfFiles;
  return ::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0 ? 0 : errno;
}

/// The same; what is not there needs no rule.
int allow(int rules, const std::string& path, std::uint64_t access) {
  const Descriptor place(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!place) return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : errno;
  return allow(rules, place.get(), access);
}

// ------------------------------------------------------------------------------------------------------ calls

/// What no decoder needs: the network, other processes and their memory, the system itself.
constexpr std::array kForbidden = {
    "accept",
    "accept4",
    "bind",
    "connect",
    "listen",
    "recvfrom",
    "recvmmsg",
    "recvmsg",
    "sendmmsg",
    "sendmsg",
    "sendto",
    "socket",
    "socketpair",
    "fork",
    "vfork",
    "execveat",
    "ioprio_set",
    "kcmp",
    "kill",
    "pidfd_getfd",
    "pidfd_open",
    "pidfd_send_signal",
    "process_madvise",
    "process_mrelease",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "rt_sigqueueinfo",
    "rt_tgsigqueueinfo",
    "sched_setattr",
    "sched_setparam",
    "sched_setscheduler",
    "setns",
    "setpgid",
    "setpriority",
    "setsid",
    "tgkill",
    "tkill",
    "unshare",
    "add_key",
    "keyctl",
    "request_key",
    "acct",
    "bpf",
    "chroot",
    "clock_adjtime",
    "clock_settime",
    "delete_module",
    "fanotify_init",
    "finit_module",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "init_module",
    "inotify_init1",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "ioperm",
    "iopl",
    "kexec_file_load",
    "kexec_load",
    "lookup_dcookie",
    "mount",
    "mount_setattr",
    "move_mount",
    "move_pages",
    "name_to_handle_at",
    "nfsservctl",
    "open_by_handle_at",
    "open_tree",
    "perf_event_open",
    "personality",
    "pivot_root",
    "quotactl",
    "reboot",
    "sethostname",
    "setdomainname",
    "settimeofday",
    "swapoff",
    "swapon",
    "syslog",
    "umount2",
    "userfaultfd",
    "vhangup",
};

using FilterContext = std::unique_ptr<void, void (*)(void*)>;

/// The filter as the kernel takes it, or none where libseccomp cannot make it.
std::vector<sock_filter> make_filter() {
  const FilterContext context(seccomp_init(SCMP_ACT_ALLOW), seccomp_release);
  if (!context) return {};
  for (const char* name : kForbidden) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) continue;  // not on this processor, or younger than libseccomp
    if (seccomp_rule_add(context.get(), SCMP_ACT_ERRNO(EPERM), number, 0) != 0) return {};
  }
  // Threads, but no processes. What clone3 would do lies in memory, where no filter looks: without it clone is called.
  const scmp_arg_cmp process = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0);
  if (seccomp_rule_add(context.get(), SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, process) != 0) return {};
  if (const int clone3 = seccomp_syscall_resolve_name("clone3"); clone3 != __NR_SCMP_ERROR) {
    if (seccomp_rule_add(context.get(), SCMP_ACT_ERRNO(ENOSYS), clone3, 0) != 0) return {};
  }
  // Limits of its own, but of no other process.
  const scmp_arg_cmp other = SCMP_A0(SCMP_CMP_NE, 0);
  if (seccomp_rule_add(context.get(), SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64), 1, other) != 0) return {};
  const Descriptor file(::memfd_create("timbre-filter", MFD_CLOEXEC));
  if (!file || seccomp_export_bpf(context.get(), file.get()) != 0) return {};
  const off_t bytes = ::lseek(file.get(), 0, SEEK_END);
  std::vector<sock_filter> filter(static_cast<std::size_t>(bytes > 0 ? bytes : 0) / sizeof(sock_filter));
  if (::pread(file.get(), filter.data(), filter.size() * sizeof(sock_filter), 0) != bytes) return {};
  return filter;
}

/// Made once, and never freed: children use it until the process ends.
std::span<sock_filter> filter() {
  static std::vector<sock_filter>& made = *new std::vector<sock_filter>(make_filter());
  return made;
}

/// All that a process needs to decode, once it has been loaded: memory, time, what is open already, an end.
constexpr std::array kNeeded = {
    "brk",
    "clock_gettime",
    "close",
    "exit",
    "exit_group",
    "fstat",
    "futex",
    "getcpu",
    "getpid",
    "getrandom",
    "gettid",
    "gettimeofday",
    "lseek",
    "madvise",
    "mremap",
    "munmap",
    "poll",
    "ppoll",
    "pread64",
    "read",
    "recvmsg",
    "restart_syscall",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sched_getaffinity",
    "sched_yield",
    "sendmsg",
};

/// Forbids this process every call but those that it needs to decode. 0, or an errno.
int forbid_all_but_decoding() {
  const FilterContext context(seccomp_init(SCMP_ACT_ERRNO(EPERM)), seccomp_release);
  if (!context) return ENOMEM;
  int fault = 0;
  const auto allow_call = [&](const char* name, auto... conditions) {
    const int number = seccomp_syscall_resolve_name(name);
    if (fault != 0 || number == __NR_SCMP_ERROR) return;  // not on this processor
    fault = -seccomp_rule_add(context.get(), SCMP_ACT_ALLOW, number, sizeof...(conditions), conditions...);
  };
  for (const char* name : kNeeded) allow_call(name);
  // No memory that can be run, and nothing written but to the three streams.
  const scmp_arg_cmp data = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
  allow_call("mmap", data);
  allow_call("mprotect", data);
  allow_call("write", SCMP_A0(SCMP_CMP_LE, STDERR_FILENO));
  return fault != 0 ? fault : -seccomp_load(context.get());
}

bool kernel_filters() {
  std::uint32_t action = SECCOMP_RET_ERRNO;
  return ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

bool may_filter() { return kernel_filters() && !filter().empty(); }

Error cannot_enclose(int reason) {
  const bool exhausted = reason == EMFILE || reason == ENFILE || reason == ENOMEM;
  return {exhausted ? ErrorCode::OVERLOADED : ErrorCode::INTERNAL,
          "a decoder could not be enclosed (" + std::generic_category().message(reason) + ")"};
}

}  // namespace

Walls possible_walls() { return {landlock_version() > 0, may_filter()}; }

int hide_memory() noexcept {
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) return errno;
  return ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : errno;
}

Result<Walls> enclose_decoder() {
  const Walls walls{landlock_version() > 0, kernel_filters()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return cannot_enclose(errno);
  if (walls.files) {
    const Descriptor rules = no_files(landlock_version());
    if (!rules || ::syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0) return cannot_enclose(errno);
  }
  if (const int fault = walls.calls ? forbid_all_but_decoding() : 0) return cannot_enclose(fault);
  return walls;
}

Result<Enclosure> Enclosure::around(const std::string& program, int input,
                                    std::span<const std::string> library_folders) {
  Enclosure walls;
  if (may_filter()) walls.filter_ = filter();
  const long version = landlock_version();
  if (version == 0) return walls;
  walls.rules_ = no_files(version);
  if (!walls.rules_) return cannot_enclose(errno);
  const int rules = walls.rules_.get();

  if (const int fault = allow(rules, input, kRead)) {
    // A pipe has no place among files, and needs no rule.
    if (fault != EBADFD && fault != EBADF && fault != EINVAL) return cannot_enclose(fault);
  }
  std::error_code ignored;
  const std::filesystem::path real = std::filesystem::canonical(program, ignored);
  std::vector<std::string> read_and_run = {real.string(), "/lib",       "/lib32",         "/lib64",          "/usr/lib",
                                           "/usr/lib32",  "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"};
  read_and_run.push_back((real.parent_path().parent_path() / "lib").string());
  read_and_run.insert(read_and_run.end(), library_folders.begin(), library_folders.end());
  for (const std::string& path : read_and_run) {
    // The dynamic loader is run, by its own name, and lies among the libraries.
    if (const int fault = path.empty() ? 0 : allow(rules, path, kRead | kExecute)) return cannot_enclose(fault);
  }
  return walls;
}

int Enclosure::enter() const noexcept {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  if (rules_ && ::syscall(SYS_landlock_restrict_self, rules_.get(), 0) != 0) return errno;
  if (!filter_.empty()) {
    const sock_fprog program{static_cast<unsigned short>(filter_.size()), filter_.data()};
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) return errno;
  }
  return 0;
}

}  // namespace timbre
