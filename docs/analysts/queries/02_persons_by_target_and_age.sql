-- Question: how many persons of each report target did the desks see in the newest year, by age band?
-- Caveat: identified persons only, of the age of 31 December. A person may have two targets: never add targets up.
select
    age_band.age_band_label,
    sum(monthly.n_persons) filter (where monthly.report_target_code = 'FAM') as famiglia_e_minori,
    sum(monthly.n_persons) filter (where monthly.report_target_code = 'ANZ') as anziani,
    sum(monthly.n_persons) filter (where monthly.report_target_code = 'DIS') as disabili,
    sum(monthly.n_persons) filter (where monthly.report_target_code = 'IMM') as immigrati,
    sum(monthly.n_persons) filter (where monthly.report_target_code = 'POV') as poverta,
    sum(monthly.n_persons) filter (where monthly.report_target_code = '-1') as non_noto
from mart_target_group.target_group_monthly as monthly
inner join core.dim_age_band as age_band
    on monthly.age_band_code = age_band.age_band_code
where
    monthly.period_type = 'year'
    and monthly.territory_level = 'region'
    and monthly.sex_code = 'TOT'
    and monthly.year_number = (select max(year_number) from mart_target_group.target_group_monthly)
group by age_band.age_band_label, age_band.age_from
order by age_band.age_from;
