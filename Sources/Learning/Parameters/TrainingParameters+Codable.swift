extension TrainingParameters: Codable {
  private enum CodingKeys: String, CodingKey {
    case penalty
    case c = "C"
    case l1Ratio = "l1_ratio"
    case classWeight = "class_weight"
    case threshold, validation, seed, tolerance
    case maxIterations = "max_iterations"
  }

  /// Reads what is there and takes the default for what is not; unknown keys are left to the caller.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    penalty = try values.decodeIfPresent(Penalty.self, forKey: .penalty) ?? penalty
    c = try values.decodeIfPresent(Double.self, forKey: .c) ?? c
    l1Ratio = try values.decodeIfPresent(Double.self, forKey: .l1Ratio)
    classWeight = try values.decodeIfPresent(ClassWeight.self, forKey: .classWeight)
    threshold = try values.decodeIfPresent(ThresholdRule.self, forKey: .threshold) ?? threshold
    validation = try values.decodeIfPresent(ValidationMethod.self, forKey: .validation) ?? validation
    seed = try values.decodeIfPresent(UInt64.self, forKey: .seed) ?? seed
    tolerance = try values.decodeIfPresent(Double.self, forKey: .tolerance) ?? tolerance
    maxIterations = try values.decodeIfPresent(Int.self, forKey: .maxIterations) ?? maxIterations
  }

  /// Writes every member, absent ones as null.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(penalty, forKey: .penalty)
    try values.encode(c, forKey: .c)
    try values.encode(l1Ratio, forKey: .l1Ratio)
    try values.encode(classWeight, forKey: .classWeight)
    try values.encode(threshold, forKey: .threshold)
    try values.encode(validation, forKey: .validation)
    try values.encode(seed, forKey: .seed)
    try values.encode(tolerance, forKey: .tolerance)
    try values.encode(maxIterations, forKey: .maxIterations)
  }
}
