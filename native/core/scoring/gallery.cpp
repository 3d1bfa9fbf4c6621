#include "scoring/gallery.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <variant>

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
  std::size_t count_;
  std::vector<Gallery::Match> heap_;  ///< the worst of the best in front
};

/// All of what it is shown that may be among the `count` best, whatever was rounded away.
class Possible {
 public:
  explicit Possible(std::size_t count) : count_(count) {}

  void offer(const Gallery::Match& match) {
    if (count_ == 0 || match.cosine + match.error < least()) return;
    matches_.push_back(match);
    lowest_.push_back(match.cosine - match.error);
    std::push_heap(lowest_.begin(), lowest_.end(), std::greater());
    if (lowest_.size() > count_) {
      std::pop_heap(lowest_.begin(), lowest_.end(), std::greater());
      lowest_.pop_back();
    }
    if (matches_.size() >= room_) {
      leave_out();
      room_ = std::max(kRoom, 2 * matches_.size());
    }
  }

  std::vector<Gallery::Match> take() {
    leave_out();
    std::sort(matches_.begin(), matches_.end(), before);
    return std::move(matches_);
  }

 private:
  static constexpr std::size_t kRoom = 1024;

  /// What the `count` best have at least.
  float least() const {
    return lowest_.size() < count_ || count_ == 0 ? -std::numeric_limits<float>::infinity() : lowest_.front();
  }

  void leave_out() {
    std::erase_if(matches_, [least = least()](const auto& match) { return match.cosine + match.error < least; });
  }

  std::size_t count_;
  std::size_t room_ = kRoom;
  std::vector<Gallery::Match> matches_;
  std::vector<float> lowest_;  ///< what the best have at least, the lowest in front
};

}  // namespace

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
  std::vector<std::shared_ptr<const VectorBlock>> blocks;
};

Result<VoiceVector> Gallery::to_unit(std::span<const float> vector) const {
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
  VoiceVector unit(dim_);
  std::transform(vector.begin(), vector.end(), unit.begin(),
                 [scale](float x) { return static_cast<float>(x * scale); });
  return unit;
}

std::shared_ptr<VectorBlock> Gallery::new_block() const {
  if (kept_as_ == Rows::kBytes) return std::make_shared<ByteBlock>(dim_);
  return std::make_shared<FloatBlock>(dim_);
}

/// The block of a row, copied first where a search holds it. Under the lock.
VectorBlock& Gallery::writable(std::size_t row) {
  auto& block = blocks_[row / kBlockRows];
  if (block.use_count() > 1) block = block->copy();
  return *block;
}

Status Gallery::put(Key key, std::span<const float> vector) {
  const auto unit = to_unit(vector);
  if (!unit) return unit.error();
  const std::lock_guard lock(mutex_);
  const auto found = rows_.find(key);
  const bool added = found == rows_.end();
  const std::size_t row = added ? rows_.size() : found->second;
  // What may fail comes before what changes: a block without a row is there for the next one.
  if (row == blocks_.size() * kBlockRows) blocks_.push_back(new_block());
  VectorBlock& block = writable(row);
  if (added) rows_.emplace(key, row);
  block.keys[row % kBlockRows] = key;
  block.put(row % kBlockRows, unit.value());
  return ok();
}

bool Gallery::remove(Key key) {
  const std::lock_guard lock(mutex_);
  const auto found = rows_.find(key);
  if (found == rows_.end()) return false;
  const std::size_t row = found->second;
  // The last row takes the place of the one that goes. Copies of blocks may fail, and come first.
  const std::size_t last = rows_.size() - 1;
  VectorBlock& to = writable(row);
  VectorBlock& from = writable(last);
  if (row != last) {
    const Key moved = from.keys[last % kBlockRows];
    to.put(row % kBlockRows, from, last % kBlockRows);
    to.keys[row % kBlockRows] = moved;
    rows_.find(moved)->second = row;
  }
  rows_.erase(found);
  from.wipe(last % kBlockRows);
  // One block without a row may lie behind, of a put that failed.
  while (blocks_.size() > (last + kBlockRows - 1) / kBlockRows) blocks_.pop_back();
  return true;
}

std::optional<VoiceVector> Gallery::get(Key key) const {
  const std::lock_guard lock(mutex_);
  const auto found = rows_.find(key);
  if (found == rows_.end()) return std::nullopt;
  return blocks_[found->second / kBlockRows]->get(found->second % kBlockRows);
}

/// What one query has found so far.
struct Gallery::Search {
  Direction direction;
  std::variant<Best, Possible> nearest;
  bool everyone;
  std::vector<Row> rows;  ///< of the candidates, unless everyone is one

  void offer(std::span<const Key> keys, const float* cosines, const float* errors) {
    std::visit(
        [&](auto& of) {
          for (std::size_t i = 0; i < keys.size(); ++i) of.offer({keys[i], cosines[i], errors[i]});
        },
        nearest);
  }

  Matches take() {
    return std::visit([](auto& of) { return of.take(); }, nearest);
  }
};

std::vector<Result<Gallery::Matches>> Gallery::search(std::span<const Query> queries) const {
  std::vector<Result<VoiceVector>> units;
  units.reserve(queries.size());
  for (const Query& query : queries) units.push_back(to_unit(query.vector));

  Snapshot snapshot(mutex_);
  const auto& blocks = snapshot.blocks;
  std::size_t size = 0;
  std::vector<std::optional<Search>> searches(queries.size());
  {
    const std::lock_guard lock(mutex_);
    snapshot.blocks.assign(blocks_.begin(), blocks_.end());
    size = rows_.size();
    for (std::size_t q = 0; q < queries.size(); ++q) {
      if (!units[q]) continue;
      const auto& [vector, count, candidates] = queries[q];
      const std::size_t most = std::min(count, size);
      std::variant<Best, Possible> nearest = Best(most);
      if (kept_as_ == Rows::kBytes) nearest = Possible(most);
      Search& search = searches[q].emplace(
          Search{Direction(std::move(units[q]).value()), std::move(nearest), !candidates.has_value(), {}});
      for (const Key key : candidates.value_or(std::span<const Key>())) {
        if (const auto found = rows_.find(key); found != rows_.end()) search.rows.push_back({key, found->second});
      }
    }
  }

  for (auto& search : searches) {
    if (!search || search->everyone) continue;
    auto& rows = search->rows;
    std::ranges::sort(rows, {}, &Row::at);
    const auto same = [](const Row& a, const Row& b) { return a.at == b.at; };
    rows.erase(std::unique(rows.begin(), rows.end(), same), rows.end());
    for (const auto& [key, row] : rows) {
      float cosine = 0;
      float error = 0;
      blocks[row / kBlockRows]->compare(search->direction, row % kBlockRows, 1, &cosine, &error);
      search->offer({&key, 1}, &cosine, &error);
    }
  }
  std::array<float, kBlockRows> cosines{};
  std::array<float, kBlockRows> errors{};
  for (std::size_t first = 0; first < size; first += kBlockRows) {
    const VectorBlock& block = *blocks[first / kBlockRows];
    const std::size_t rows = std::min(kBlockRows, size - first);
    // A block stays in the cache for all queries.
    for (auto& search : searches) {
      if (!search || !search->everyone) continue;
      block.compare(search->direction, 0, rows, cosines.data(), errors.data());
      search->offer(std::span(block.keys).first(rows), cosines.data(), errors.data());
    }
  }

  std::vector<Result<Matches>> results;
  results.reserve(queries.size());
  for (std::size_t q = 0; q < queries.size(); ++q) {
    if (searches[q]) {
      results.emplace_back(searches[q]->take());
    } else {
      results.emplace_back(std::move(units[q]).error());
    }
  }
  return results;
}

Result<Gallery::Matches> Gallery::top(std::span<const float> query, std::size_t count,
                                      std::optional<std::span<const Key>> candidates) const {
  const Query one{query, count, candidates};
  return std::move(search({&one, 1}).front());
}

std::size_t Gallery::size() const {
  const std::lock_guard lock(mutex_);
  return rows_.size();
}

}  // namespace timbre
