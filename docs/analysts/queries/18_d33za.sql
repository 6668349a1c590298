-- Question: what is the national indicator D33Za (residents of 75 and more in residential care per 1,000), by AUSL and intensity?
-- Caveat: each person once a year at the highest intensity; the demo region is small on purpose and so are its rates.
select
    territory_code as ausl_code,
    territory_label as ausl_label,
    max(n_residents_75) as n_residents_75,
    max(n_persons) filter (where intensity_code = 'TOT') as n_persons,
    max(d33za_per_1000) filter (where intensity_code = 'TOT') as d33za,
    max(d33za_per_1000) filter (where intensity_code = 'R1') as r1,
    max(d33za_per_1000) filter (where intensity_code = 'R2') as r2,
    max(d33za_per_1000) filter (where intensity_code = 'R3') as r3
from mart_offer.d33za
where
    territory_level = 'ausl'
    and territory_label is not null
    and year_number = (select max(year_number) from mart_offer.d33za)
group by territory_code, territory_label
order by d33za desc nulls last, ausl_code;
