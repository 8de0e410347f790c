"""Raw shards as recipes read them: their split, their seed, and what preparing one needs of all the others."""
