#include "engine/admission.h"

#include <optional>
#include <string>
#include <utility>

#include "support/text.h"

namespace timbre {

Result<Admission::Place> Admission::admit(std::uint64_t input_bytes) {
  const std::lock_guard lock(mutex_);
  if (use_.queued >= limits_.queued) {
    ++use_.refused;
    return Error{ErrorCode::OVERLOADED, "the queue is full (" + std::to_string(use_.queued) +
                                            " utterances wait); try again later or raise queueLimit"};
  }
  if (auto taken = change_input(0, input_bytes); !taken) return std::move(taken).error();
  ++use_.queued;
  return Place(shared_from_this(), input_bytes);
}

bool Admission::has_room(std::uint64_t input_bytes) const {
  const std::lock_guard lock(mutex_);
  return use_.queued < limits_.queued && input_bytes <= limits_.input_bytes - use_.input_bytes;
}

/// Room for `wanted` bytes where there are `held`. Under the lock.
Status Admission::change_input(std::uint64_t held, std::uint64_t wanted) {
  if (wanted > limits_.input_bytes) {
    return Error{ErrorCode::AUDIO_TOO_LARGE, "the recording takes " + bytes_text(wanted) + " of memory, and all that " +
                                                 "wait together may take " + bytes_text(limits_.input_bytes) +
                                                 "; pass its path instead, or raise limits.maxInputBytes"};
  }
  const std::uint64_t others = use_.input_bytes - held;
  if (wanted > held && wanted > limits_.input_bytes - others) {
    ++use_.refused;
    return Error{ErrorCode::OVERLOADED, "recordings of " + bytes_text(others) + " wait in memory, and one more of " +
                                            bytes_text(wanted) + " is above the limit of " +
                                            bytes_text(limits_.input_bytes) +
                                            "; try again later, pass paths, or raise limits.maxInputBytes"};
  }
  use_.input_bytes = others + wanted;
  return ok();
}

void Admission::wake() {
  // Whoever has looked at its interrupt and not slept yet holds the lock.
  { const std::lock_guard lock(mutex_); }
  changed_.notify_all();
}

AdmissionUse Admission::use() const {
  const std::lock_guard lock(mutex_);
  AdmissionUse use = use_;
  use.waiting_for_memory = waiting_.size();
  return use;
}

Admission::Place::Place(Place&& other) noexcept
    : owner_(std::move(other.owner_)),
      queued_(std::exchange(other.queued_, false)),
      input_bytes_(std::exchange(other.input_bytes_, 0)),
      working_bytes_(std::exchange(other.working_bytes_, 0)) {}

Admission::Place& Admission::Place::operator=(Place&& other) noexcept {
  if (this != &other) {
    release();
    owner_ = std::move(other.owner_);
    queued_ = std::exchange(other.queued_, false);
    input_bytes_ = std::exchange(other.input_bytes_, 0);
    working_bytes_ = std::exchange(other.working_bytes_, 0);
  }
  return *this;
}

Status Admission::Place::resize_input(std::uint64_t bytes) {
  const std::lock_guard lock(owner_->mutex_);
  auto changed = owner_->change_input(input_bytes_, bytes);
  if (changed) input_bytes_ = bytes;
  return changed;
}

void Admission::Place::release_slot() noexcept {
  if (!queued_) return;
  const std::lock_guard lock(owner_->mutex_);
  queued_ = false;
  --owner_->use_.queued;
}

void Admission::Place::release_input() noexcept {
  if (input_bytes_ == 0) return;
  const std::lock_guard lock(owner_->mutex_);
  owner_->use_.input_bytes -= std::exchange(input_bytes_, 0);
}

Status Admission::Place::reserve_working(std::uint64_t bytes, const Interrupt& interrupt) {
  Admission& owner = *owner_;
  const std::uint64_t most = owner.limits_.working_bytes;
  if (bytes > most) {
    return Error{ErrorCode::AUDIO_TOO_LONG, "embedding the recording takes " + bytes_text(bytes) +
                                                " of memory, and all that are embedded at once may take " +
                                                bytes_text(most) + "; cut it, or raise limits.maxWorkingBytes"};
  }
  std::unique_lock lock(owner.mutex_);
  const auto own = owner.waiting_.insert(owner.waiting_.end(), this);
  const auto my_turn = [&] { return owner.waiting_.front() == this && bytes <= most - owner.use_.working_bytes; };
  std::optional<Error> stopped;
  while (!(stopped = interrupt.check()) && !my_turn()) {
    if (const auto deadline = interrupt.deadline()) {
      owner.changed_.wait_until(lock, *deadline);
    } else {
      owner.changed_.wait(lock);
    }
  }
  owner.waiting_.erase(own);
  owner.changed_.notify_all();  // the next one's turn has come
  if (stopped) return *std::move(stopped);
  owner.use_.working_bytes += bytes;
  working_bytes_ += bytes;
  return ok();
}

bool Admission::Place::try_reserve_working(std::uint64_t bytes) noexcept {
  Admission& owner = *owner_;
  const std::lock_guard lock(owner.mutex_);
  if (!owner.waiting_.empty() || bytes > owner.limits_.working_bytes - owner.use_.working_bytes) return false;
  owner.use_.working_bytes += bytes;
  working_bytes_ += bytes;
  return true;
}

void Admission::Place::release() noexcept {
  if (!owner_) return;
  {
    const std::lock_guard lock(owner_->mutex_);
    if (queued_) --owner_->use_.queued;
    owner_->use_.input_bytes -= input_bytes_;
    owner_->use_.working_bytes -= working_bytes_;
    if (working_bytes_ > 0) owner_->changed_.notify_all();
  }
  queued_ = false;
  input_bytes_ = 0;
  working_bytes_ = 0;
  owner_.reset();
}

}  // namespace timbre
