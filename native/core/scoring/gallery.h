#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "scoring/vector_block.h"
#include "support/result.h"
#include "support/wiping.h"

namespace timbre {

/// Unit vectors by key, searched exhaustively: for the nearest of a hundred thousand voices nothing needs to be
/// approximate. Safe from any thread; a search sees the gallery as it was when it began, and changes do not wait for
/// it. Memory that held a vector is overwritten when the vector goes, and so is that of a search.
class Gallery {
 public:
  using Key = VectorBlock::Key;

  /// What vectors are kept as.
  enum class Rows {
    kFloats,  ///< as they are
    kBytes,   ///< rounded, in a quarter of the memory: cosines are off by a known error at most
  };

  struct Match {
    Key key;
    float cosine;
    float error = 0;  ///< by how much the cosine may be off
  };
  using Matches = std::vector<Match>;

  /// The `count` nearest by cosine, nearest first, equal ones by key; of `candidates` only, where they are given, those
  /// that are not there left out. Where vectors are rounded: all that may be among these, whatever was rounded away.
  struct Query {
    std::span<const float> vector;
    std::size_t count = 0;
    std::optional<std::span<const Key>> candidates;
  };

  explicit Gallery(std::size_t dim, Rows kept_as = Rows::kFloats) : dim_(dim), kept_as_(kept_as) {}

  /// Adds a vector or replaces the one of this key; it is scaled to unit length.
  /// Errors: INVALID_ARGUMENT for another length, a value that is not finite, or a zero vector.
  Status put(Key key, std::span<const float> vector);

  /// False for a key that is not there.
  bool remove(Key key);

  /// The unit vector of a key, as it is kept.
  std::optional<VoiceVector> get(Key key) const;

  /// One result for each query, in order. The vectors are read once for all of them. O(queries * size * dim).
  /// Errors of a query: INVALID_ARGUMENT, as of put().
  std::vector<Result<Matches>> search(std::span<const Query> queries) const;

  /// search() of one query.
  Result<Matches> top(std::span<const float> query, std::size_t count,
                      std::optional<std::span<const Key>> candidates = std::nullopt) const;

  std::size_t size() const;
  std::size_t dim() const { return dim_; }

 private:
  static constexpr std::size_t kBlockRows = VectorBlock::kRows;

  struct Row {
    Key key;
    std::size_t at;
  };

  struct Snapshot;
  struct Search;

  Result<VoiceVector> to_unit(std::span<const float> vector) const;
  std::shared_ptr<VectorBlock> new_block() const;
  VectorBlock& writable(std::size_t row);

  const std::size_t dim_;
  const Rows kept_as_;
  mutable std::mutex mutex_;  ///< held for as long as pointers are copied, never while scores are computed
  /// Copied before they change while a search reads them.
  std::vector<std::shared_ptr<VectorBlock>> blocks_;
  std::unordered_map<Key, std::size_t> rows_;
};

}  // namespace timbre
