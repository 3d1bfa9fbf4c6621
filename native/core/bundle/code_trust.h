#pragma once

#include <string>

namespace timbre::bundle {

/// Whose code a bundle may bring. TorchScript runs with all rights of the process, from the moment it is loaded.
struct CodeTrust {
  std::string skeletons;  ///< folder of models/skeletons: the code that every bundle of this version has
  bool any = false;       ///< the caller knows this file, and lets it bring code of its own
};

}  // namespace timbre::bundle
