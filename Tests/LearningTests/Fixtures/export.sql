SELECT source.*, score.probability, (score.probability >= '0.6'::double precision)::int AS label
FROM "rows" AS source
CROSS JOIN LATERAL (
  SELECT '0.6195730150547009'::double precision
    + '1.419476920075924'::double precision * coalesce((source."amount ""net"" <&>"::double precision - '-0.004457529155426607'::double precision) * '1.008189901632396'::double precision, 0)
    + CASE WHEN source."amount ""net"" <&>" IS NULL THEN '0.816192823260012'::double precision ELSE 0 END
    + '1.0481523940134247'::double precision * coalesce((source."weight"::double precision - '44.66834480233322'::double precision) * '0.0009538219134244657'::double precision, 0)
    + CASE WHEN source."côlour's"::text = 'red' THEN '-0.7925209207233311'::double precision WHEN source."côlour's"::text = 'it''s "green" & <blue>' THEN '-0.05774919268349401'::double precision WHEN source."côlour's"::text = E'back\\slash' THEN '0.9305126264994247'::double precision WHEN source."côlour's"::text = 'grün' THEN '0.9398730501763174'::double precision WHEN source."côlour's" IS NULL THEN '-1.020115563268918'::double precision ELSE 0 END AS logit
) AS linear
CROSS JOIN LATERAL (
  SELECT 1 / (1 + exp(-greatest(-700, least(700, linear.logit)))) AS probability
) AS score