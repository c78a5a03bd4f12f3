package import Learning
import RowFormats

extension JSONParser where Value == TrainingParameters {
  /// The training parameters of a dataset from a client. Given members replace those of the current parameters, and `null`
  /// restores the built-in default.
  package static let trainingParameters = trainingParameters(defaults: TrainingParameters())

  /// Training parameters from a client. An absent member keeps its value, and `null` restores that of `defaults`. A share of
  /// l1 that is not given does not outlive the penalty that it belongs to, nor do a choice of `C` and the parameters of additive models.
  package static func trainingParameters(defaults: TrainingParameters) -> JSONParser {
    object(
      initial: defaults, members,
      adjust: { fields, parameters in
        if !parameters.penalty.hasL1Ratio, fields.value(TrainingParameters.CodingKeys.l1Ratio.rawValue) == nil
        {
          parameters.l1Ratio = nil
        }
        // 0.5 beside weights is the default, which moves with them, unless the owner writes it.
        let threshold = TrainingParameters.CodingKeys.threshold.rawValue
        if fields.has(threshold) {
          parameters.isThresholdGiven = !fields.isNull(threshold) || defaults.isThresholdGiven
        }
        if !parameters.isDefaultBesideWeights { parameters.isThresholdGiven = false }
        if !parameters.penalty.hasChoiceOfC, fields.value(TrainingParameters.CodingKeys.c.rawValue) == nil {
          parameters.choosesC = false
        }
        if !parameters.family.hasAdditiveParameters {
          for member in AdditiveParameters.members where fields.value(member.name) != nil {
            fields.errors.add(fields.at(member.name), "is for the families additive and auto")
          }
          parameters.additive = AdditiveParameters()
        }
      },
      check: { parameters in
        do throws(LearningError) {
          try parameters.validate()
          return parameters.additive.sizeProblem
        } catch {
          guard case .invalidParameter(let pointer, let detail) = error else { return nil }
          return InputProblem(pointer: pointer, detail: detail)
        }
      })
  }

  private static let members: [JSONMember<TrainingParameters>] =
    [JSONMember(TrainingParameters.CodingKeys.family, \.family, .choice())] + AdditiveParameters.members + [
      JSONMember(TrainingParameters.CodingKeys.penalty, \.penalty, .choice()),
      JSONMember(TrainingParameters.CodingKeys.c, \.strength, .strength),
      JSONMember(TrainingParameters.CodingKeys.l1Ratio, \.l1Ratio, .number),
      JSONMember(TrainingParameters.CodingKeys.classWeight, \.classWeight, .choice()),
      JSONMember(TrainingParameters.CodingKeys.threshold, \.threshold, .thresholdRule),
      JSONMember(TrainingParameters.CodingKeys.validation, \.validation, .validationMethod),
      // Clients that represent numbers as doubles would change larger seeds.
      JSONMember(
        TrainingParameters.CodingKeys.seed, \.seed,
        JSONParser<Int>.integer(in: 0...(1 << 53) - 1).map { UInt64($0) }),
      JSONMember(TrainingParameters.CodingKeys.tolerance, \.tolerance, .number),
      JSONMember(
        TrainingParameters.CodingKeys.maxIterations, \.maxIterations,
        .integer(in: TrainingParameters.maxIterationsRange)),
    ]
}

extension TrainingParameters {
  /// The member `C`: a number, or its choice by the data.
  fileprivate enum Strength: Sendable {
    case given(Double)
    case chosen
  }

  fileprivate var strength: Strength {
    get { choosesC ? .chosen : .given(c) }
    set {
      switch newValue {
      case .given(let number): (c, choosesC) = (number, false)
      case .chosen: (c, choosesC) = (TrainingParameters().c, true)
      }
    }
  }
}

extension JSONParser where Value == TrainingParameters.Strength {
  /// A number or `auto`.
  fileprivate static let strength = JSONParser { value, _, pointer, errors in
    if let number = value.finiteNumber { return .given(number) }
    if case .string(TrainingParameters.auto) = value { return .chosen }
    errors.add(pointer, "must be a finite number or auto")
    return nil
  }
}

extension JSONParser where Value == ThresholdRule {
  /// A number, or one of the rules that choose one.
  fileprivate static let thresholdRule = JSONParser<ThresholdRule> { value, _, pointer, errors in
    if let number = value.finiteNumber { return .fixed(number) }
    guard case .object(let object) = value else {
      errors.add(pointer, "must be a number or an object that says how to choose one")
      return nil
    }
    func rule(_ known: Set<String>) -> JSONObjectReader {
      JSONObjectReader(value, at: pointer, known: known, errors: errors)
    }
    if object["maximize"] != nil {
      return rule(["maximize"]).choice("maximize", required: true, ThresholdRule.Objective.self).map {
        .maximize($0)
      }
    }
    if object["metric"] != nil || object["at_least"] != nil {
      let rule = rule(["metric", "at_least"])
      let metric = rule.choice("metric", required: true, ThresholdRule.Floor.self)
      let least = rule.number("at_least", required: true)
      guard let metric, let least else { return nil }
      return .atLeast(metric, least)
    }
    let costs = rule(["cost"])
    guard let value = costs.required("cost") else { return nil }
    let cost = JSONObjectReader(
      value, at: costs.at("cost"), known: ["false_positive", "false_negative"], errors: errors)
    let falsePositive = cost.number("false_positive", required: true)
    let falseNegative = cost.number("false_negative", required: true)
    guard let falsePositive, let falseNegative else { return nil }
    return .cost(falsePositive: falsePositive, falseNegative: falseNegative)
  }
}

extension JSONParser where Value == ValidationMethod {
  /// A method with its members.
  fileprivate static let validationMethod = JSONParser { value, _, pointer, errors in
    let method = JSONObjectReader(
      value, at: pointer, known: ["method", "fraction", "folds", "gap_days", "group"], errors: errors)
    func refuse(_ names: String..., as detail: String) {
      for name in names where method.has(name) { errors.add(method.at(name), detail) }
    }
    let group = method.member("group", .bool) ?? false
    let fraction = method.number("fraction") ?? ValidationMethod.defaultFraction
    switch method.string("method", required: true) {
    case "holdout":
      refuse("folds", as: "is for the method kfold")
      refuse("gap_days", as: "is for the method time")
      return .holdout(fraction: fraction, group: group)
    case "kfold":
      refuse("fraction", as: "is for the methods holdout and time")
      refuse("gap_days", as: "is for the method time")
      let folds = method.integer("folds", in: ValidationMethod.foldsRange)
      return .kfold(folds: folds ?? ValidationMethod.defaultFolds, group: group)
    case "time":
      refuse("folds", as: "is for the method kfold")
      return .time(fraction: fraction, gapDays: method.number("gap_days") ?? 0, group: group)
    case "split":
      refuse("folds", as: "is for the method kfold")
      refuse("fraction", as: "is for the methods holdout and time")
      refuse("gap_days", as: "is for the method time")
      return .split(group: group)
    case nil: return nil
    default:
      errors.add(method.at("method"), "must be holdout, kfold, time or split")
      return nil
    }
  }
}
