/// The version of this build (Semantic Versioning 2.0.0): what `verdict --version`, `/readyz` and `verdict_build_info` say.
package enum BuildVersion {
  /// Major, minor and patch, with dots between.
  package static let text = "0.2.0"
}
