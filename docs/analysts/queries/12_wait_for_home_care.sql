-- Question: how long does one wait from the demand for integrated home care to the first access, by AUSL?
-- Caveat: median of those who were reached; who was not is beside it. Few requests make a wide spread: read the counts first.
select
    waiting.territory_code as ausl_code,
    territory.territory_label as ausl_label,
    waiting.n_requests,
    waiting.n_happened as n_reached,
    waiting.n_nothing as n_not_reached_in_180_days,
    waiting.n_observation_end as n_not_known_yet,
    waiting.median_days,
    waiting.quarter_reached_days
from mart_pathway.waiting_time as waiting
inner join core.dim_territory as territory
    on
        waiting.territory_level = territory.territory_level
        and waiting.territory_code = territory.territory_code
        and make_date(waiting.year_number, 1, 1) between territory.valid_from and territory.valid_to
where
    waiting.territory_level = 'ausl'
    and waiting.cut_code = '03.02'
    and waiting.milestone_code = 'ADI'
    and waiting.year_number = (select max(year_number) from mart_pathway.waiting_time)
order by waiting.median_days nulls last, waiting.territory_code;
