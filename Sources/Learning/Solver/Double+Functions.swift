import Foundation

/// Elementary functions as properties.
extension Double {
  /// The natural logarithm.
  var logarithm: Double { Foundation.log(self) }
  /// e to this power.
  var exponential: Double { Foundation.exp(self) }
  /// The cube root.
  var cubeRoot: Double { Foundation.cbrt(self) }
  /// 1 / (1 + e^−x), without overflow.
  var sigmoid: Double {
    if self >= 0 { return 1 / (1 + (-self).exponential) }
    let e = exponential
    return e / (1 + e)
  }
}
