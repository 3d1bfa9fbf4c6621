#include "isolation/shared_window.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace timbre {

namespace {

Error no_window() {
  return {ErrorCode::OVERLOADED, "there is no memory to share with a decoder (" +
                                     std::generic_category().message(errno) + "); use fewer workers"};
}

}  // namespace

static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

Result<SharedWindow> SharedWindow::create() {
  Descriptor memory(::memfd_create("timbre-window", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory || ::ftruncate(memory.get(), kWhole) != 0) return no_window();
  // Who reads beyond the end of shared memory is ended by the system.
  if (::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) return no_window();
  return map(std::move(memory));
}

Result<SharedWindow> SharedWindow::open(Descriptor memory) {
  struct stat status {};
  if (::fstat(memory.get(), &status) != 0 || static_cast<std::size_t>(status.st_size) != kWhole) {
    return Error{ErrorCode::INTERNAL, "the shared memory has another size than this build's"};
  }
  return map(std::move(memory));
}

Result<SharedWindow> SharedWindow::map(Descriptor memory) {
  void* const start = ::mmap(nullptr, kWhole, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  if (start == MAP_FAILED) return no_window();
  return SharedWindow(std::move(memory), static_cast<std::uint8_t*>(start));
}

SharedWindow::~SharedWindow() {
  if (start_) ::munmap(start_, kWhole);
}

}  // namespace timbre
