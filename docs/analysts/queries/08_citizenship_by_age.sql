-- Question: how does the age of foreign persons differ from that of Italians (newest year)?
-- Caveat: identified persons; each has one citizenship and the age of 31 December, so rows add up to all. Not known is not foreign.
with person as (
    select
        age_band.age_band_code,
        age_band.age_band_label,
        coalesce(sum(monthly.n_persons) filter (where monthly.citizenship_group = 'italiana'), 0) as n_italian,
        coalesce(sum(monthly.n_persons) filter (where monthly.citizenship_group = 'straniera'), 0) as n_foreign,
        coalesce(sum(monthly.n_persons) filter (where monthly.citizenship_group = 'non disponibile'), 0) as n_not_known
    from mart_target_group.person_monthly as monthly
    inner join core.dim_age_band as age_band
        on monthly.age_band_code = age_band.age_band_code
    where
        monthly.period_type = 'year'
        and monthly.territory_level = 'region'
        and monthly.year_number = (select max(year_number) from mart_target_group.person_monthly)
    group by age_band.age_band_code, age_band.age_band_label
)

select
    age_band_label,
    n_italian,
    n_foreign,
    n_not_known,
    round(100.0 * n_italian / nullif(sum(n_italian) over (), 0), 1) as percent_of_italians,
    round(100.0 * n_foreign / nullif(sum(n_foreign) over (), 0), 1) as percent_of_foreigners
from person
order by age_band_code;
