package import Learning

/// Two versions of a dataset's models, compared by their parameters on the same rows of the present labels.
package struct ModelComparison: Sendable {
  /// The version that is compared with.
  package var champion: Int
  /// The version that is compared.
  package var challenger: Int
  /// The labels that both were fitted and measured on.
  package var rowsUsed: Int
  /// Whether these are a random sample of more labels.
  package var isSampled: Bool
  /// How the measured rows were held out: the challenger's validation.
  package var validation: ValidationMethod
  /// The differences, challenger − champion.
  package var result: PairedComparison
}
