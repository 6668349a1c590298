-- Persons by age band and citizenship in a year, region.
select
    age_band_label,
    count(distinct person_key) filter (where citizenship_group = 'italiana') as n_italian,
    count(distinct person_key) filter (where citizenship_group = 'straniera') as n_foreign
from mart_target_group.person_month
where year_number = 2013
group by age_band_code, age_band_label
order by age_band_code;
