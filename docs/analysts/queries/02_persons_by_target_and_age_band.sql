-- Persons by report target and age band in a year, region. Each row counts distinct persons: never sum rows.
select
    report_target_code,
    age_band_code,
    n_persons
from mart_target_group.target_group_monthly
where
    period_type = 'year'
    and territory_level = 'region'
    and year_number = 2013
    and sex_code = 'TOT'
order by report_target_code, age_band_code;
