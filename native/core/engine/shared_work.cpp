#include "engine/shared_work.h"

#include <utility>

#include "engine/guarded.h"

namespace timbre {

bool SharedWork::run_next() noexcept {
  const std::size_t part = next_.fetch_add(1, std::memory_order_relaxed);
  if (part >= count_) return false;
  Status done = guarded([&] { return body_(part); });
  if (done) return true;
  next_.store(count_, std::memory_order_relaxed);
  const std::lock_guard lock(error_mutex_);
  if (!error_) error_ = std::move(done).error();
  return true;
}

void SharedWork::helper_leaves() noexcept {
  if (--helpers_ == 0) none_left_.notify_all();
}

void SharedWork::wait_for_helpers(std::unique_lock<std::mutex>& lock) noexcept {
  none_left_.wait(lock, [this] { return helpers_ == 0; });
}

Status SharedWork::outcome() const {
  const std::lock_guard lock(error_mutex_);
  return error_ ? Status(*error_) : ok();
}

}  // namespace timbre
