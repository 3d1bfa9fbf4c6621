#pragma once

#include <cstddef>
#include <string_view>

namespace timbre::conversation {

/// Every constant of the way from a recording to turns. Where nothing else is said, the value was chosen on 29
/// conversations (AMI, one telephone call, synthetic ones; docs/conversations.md), on which results are flat about it.
struct Recipe {
  double window_hop = 2.5;    ///< seconds from window to window; 1 and 5 s are within 1.3 points of error
  double piece = 1.5;         ///< seconds that are embedded at a time
  double piece_hop = 0.5;     ///< seconds from piece to piece
  double least_speech = 0.3;  ///< share of a piece that is speech, for it to be embedded
  int steady_hop = 1;         ///< pieces: in the midst of one voice's speech one of so many is embedded
  double voiced = 0.5;        ///< expected number of speakers above which a frame is speech
  double alone = 1.5;         ///< expected number of speakers below which a frame is one speaker's

  // A local speaker of a window becomes an item: an embedding, of the pieces that lie in its speech.
  double shortest_item = 0.2;  ///< seconds of speech
  double full_share = 0.6;     ///< share of a piece in the item's own speech from which it counts, or the best there is
  int share_power = 4;         ///< a piece weighs share^4

  // Clusters of long items, by average linkage on cosines.
  double founder = 2.0;      ///< seconds of own speech of items that begin clusters
  double link = 0.65;        ///< mean cosine at which clusters merge
  std::size_t chunk = 200;   ///< items that are linked at a time, their clusters then in turn; 20 to 100 lose nothing
  std::size_t highest = 64;  ///< speakers that are looked for at most; bounds the work on what is no conversation

  // Refined on pieces, as a mixture of von Mises-Fisher distributions (Banerjee et al., JMLR 2005) of one
  // concentration.
  double pure = 0.6;          ///< share of a piece with one speaker, for it to shape a centroid
  double kappa = 12;          ///< concentration of a speaker's pieces about the centroid; errors rise below
  int rounds = 8;             ///< of expectation and maximisation
  int passes = 1;             ///< of refining; strangers of one are centroids of the next
  double merge = 0.68;        ///< cosine of centroids that are one speaker's, with what windows add
  double window_weight = 0;   ///< of what windows say about two centroids, beside their cosine
  double window_floor = 2.0;  ///< seconds, added to what windows say for and against
  double smallest = 4.0;      ///< seconds of pure pieces below which a centroid is given up

  // Short items that are nobody's.
  double stranger = 0.15;            ///< cosine with every centroid below which an item is a stranger's
  double stranger_link = 0.45;       ///< mean cosine at which strangers merge
  double stranger_seconds = 0.5;     ///< speech of a cluster of strangers that makes a speaker of it, at least
  double stranger_share = 0;         ///< the same as a share of all speech: the more there is, the more of it is odd
  double stranger_enough = 2.0;      ///< seconds that are enough however much there is
  double trusted_first = 0.3;        ///< takes the place of `stranger` where fewer speakers were found than there are
  double trusted_afterwards = 0.45;  ///< the same, where that was not enough

  double beta = 3.0;      ///< weight of the pieces' cosines against the segmentation's probabilities
  double rounding = 0.5;  ///< an expected number x of speakers is taken as floor(x + rounding)
  double fill = 0.3;      ///< seconds: shorter pauses of a speaker are closed
  double drop = 0.1;      ///< seconds: shorter turns are dropped
};

/// The recipe for embeddings of a family of models: windows decide beside cosines, and a stranger needs more speech
/// (bench/results/recipe.md, recipe-campplus.md). Those of the project's own networks part people of one room less well
/// than CAM++'s by cosines alone, and windows have more to say; in the midst of one voice's speech CAM++'s pieces have
/// nothing to add to their neighbours'. Other families were not measured and have what was chosen with CAM++ before.
inline Recipe recipe_for(std::string_view family) {
  Recipe recipe;
  if (family == "timbre") {
    recipe.passes = 2;
    recipe.window_weight = 0.25;
    recipe.stranger_share = 0.03;
  } else if (family == "campplus") {
    recipe.steady_hop = 2;
    recipe.merge = 0.76;
    recipe.window_weight = 0.1;
    recipe.stranger_share = 0.01;
  }
  return recipe;
}

/// How many speakers there may be.
struct SpeakerCounts {
  std::size_t least = 1;
  std::size_t most = 0;  ///< 0: no limit but Recipe::highest
};

}  // namespace timbre::conversation
