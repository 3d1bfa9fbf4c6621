#include "scoring/gallery.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "simd/vectors.h"

namespace timbre {

namespace {

/// Best first.
bool before(const Gallery::Match& a, const Gallery::Match& b) {
  return a.cosine != b.cosine ? a.cosine > b.cosine : a.key < b.key;
}

/// The `count` best of what it is shown.
class Best {
 public:
  explicit Best(std::size_t count) : count_(count) {}

  void offer(const Gallery::Match& match) {
    if (heap_.size() < count_) {
      heap_.push_back(match);
      std::push_heap(heap_.begin(), heap_.end(), before);
    } else if (count_ > 0 && before(match, heap_.front())) {
      std::pop_heap(heap_.begin(), heap_.end(), before);
      heap_.back() = match;
      std::push_heap(heap_.begin(), heap_.end(), before);
    }
  }

  std::vector<Gallery::Match> take() {
    std::sort_heap(heap_.begin(), heap_.end(), before);
    return std::move(heap_);
  }

 private:
  const std::size_t count_;
  std::vector<Gallery::Match> heap_;  ///< the worst of the best in front
};

float to_cosine(float product) { return std::clamp(product, -1.0F, 1.0F); }

/// Not to be left out as a write that nobody reads.
void wipe(std::span<float> values) {
  volatile float* at = values.data();
  for (std::size_t i = 0; i < values.size(); ++i) at[i] = 0;
}

}  // namespace

Gallery::Block::~Block() { wipe(vectors); }

/// The blocks of one search. Let go under the lock, so that whoever counts a block's holders sees all its reading done.
struct Gallery::Snapshot {
  explicit Snapshot(std::mutex& of) : mutex(of) {}
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  ~Snapshot() {
    const std::lock_guard lock(mutex);
    blocks.clear();
  }

  std::mutex& mutex;
  std::vector<std::shared_ptr<const Block>> blocks;
};

Result<std::vector<float>> Gallery::to_unit(std::span<const float> vector) const {
  if (vector.size() != dim_) {
    return Error{ErrorCode::INVALID_ARGUMENT, "a vector of " + std::to_string(vector.size()) +
                                                  " dimensions does not fit a gallery of " + std::to_string(dim_)};
  }
  double square = 0;
  for (const float x : vector) square += static_cast<double>(x) * x;
  if (!std::isfinite(square) || square == 0) {
    return Error{ErrorCode::INVALID_ARGUMENT, "a vector in a gallery must be finite and not zero"};
  }
  const double scale = 1 / std::sqrt(square);
  std::vector<float> unit(dim_);
  std::transform(vector.begin(), vector.end(), unit.begin(),
                 [scale](float x) { return static_cast<float>(x * scale); });
  return unit;
}

/// The block of a row, copied first where a search holds it. Under the lock.
Gallery::Block& Gallery::writable(std::size_t row) {
  auto& block = blocks_[row / kBlockRows];
  if (block.use_count() > 1) block = std::make_shared<Block>(*block);
  return *block;
}

Status Gallery::put(Key key, std::span<const float> vector) {
  const auto unit = to_unit(vector);
  if (!unit) return unit.error();
  const std::lock_guard lock(mutex_);
  const auto found = rows_.find(key);
  const std::size_t row = found == rows_.end() ? rows_.size() : found->second;
  if (row == blocks_.size() * kBlockRows) blocks_.push_back(std::make_shared<Block>(dim_));
  rows_.insert_or_assign(key, row);
  Block& block = writable(row);
  block.keys[row % kBlockRows] = key;
  std::copy(unit.value().begin(), unit.value().end(), block.vectors.begin() + offset(row));
  return ok();
}

bool Gallery::remove(Key key) {
  const std::lock_guard lock(mutex_);
  const auto found = rows_.find(key);
  if (found == rows_.end()) return false;
  const std::size_t row = found->second;
  rows_.erase(found);
  // The last row takes the place of the one that goes.
  const std::size_t last = rows_.size();
  Block& from = writable(last);
  const auto vector = std::span(from.vectors).subspan(static_cast<std::size_t>(offset(last)), dim_);
  if (row != last) {
    Block& to = writable(row);
    const Key moved = from.keys[last % kBlockRows];
    std::copy(vector.begin(), vector.end(), to.vectors.begin() + offset(row));
    to.keys[row % kBlockRows] = moved;
    rows_[moved] = row;
  }
  wipe(vector);
  if (last % kBlockRows == 0) blocks_.pop_back();
  return true;
}

std::optional<std::vector<float>> Gallery::get(Key key) const {
  const std::lock_guard lock(mutex_);
  const auto found = rows_.find(key);
  if (found == rows_.end()) return std::nullopt;
  const auto from = blocks_[found->second / kBlockRows]->vectors.begin() + offset(found->second);
  return std::vector<float>(from, from + static_cast<std::ptrdiff_t>(dim_));
}

Result<std::vector<Gallery::Match>> Gallery::top(std::span<const float> query, std::size_t count,
                                                 std::optional<std::span<const Key>> candidates) const {
  const auto unit = to_unit(query);
  if (!unit) return unit.error();

  Snapshot snapshot(mutex_);
  const auto& blocks = snapshot.blocks;
  std::size_t size = 0;
  std::vector<std::pair<Key, std::size_t>> chosen;
  {
    const std::lock_guard lock(mutex_);
    snapshot.blocks.assign(blocks_.begin(), blocks_.end());
    size = rows_.size();
    if (candidates) {
      for (const Key key : *candidates) {
        if (const auto found = rows_.find(key); found != rows_.end()) chosen.emplace_back(*found);
      }
    }
  }

  const float* direction = unit.value().data();
  Best best(std::min(count, size));
  if (candidates) {
    std::sort(chosen.begin(), chosen.end());
    chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
    for (const auto& [key, row] : chosen) {
      float product = 0;
      simd::dot_rows(direction, blocks[row / kBlockRows]->vectors.data() + offset(row), 1, dim_, &product);
      best.offer({key, to_cosine(product)});
    }
    return best.take();
  }
  std::array<float, kBlockRows> products{};
  for (std::size_t first = 0; first < size; first += kBlockRows) {
    const Block& block = *blocks[first / kBlockRows];
    const std::size_t rows = std::min(kBlockRows, size - first);
    simd::dot_rows(direction, block.vectors.data(), rows, dim_, products.data());
    for (std::size_t row = 0; row < rows; ++row) best.offer({block.keys[row], to_cosine(products[row])});
  }
  return best.take();
}

std::size_t Gallery::size() const {
  const std::lock_guard lock(mutex_);
  return rows_.size();
}

}  // namespace timbre
