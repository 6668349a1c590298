-- Question: how does the age of foreign persons differ from that of Italians (newest year)?
-- Caveat: identified persons, distinct in each cell; who passes to another band in the year is in both. Not known is not foreign.
with person as (
    select
        age_band_code,
        age_band_label,
        count(distinct person_key) filter (where citizenship_group = 'italiana') as n_italian,
        count(distinct person_key) filter (where citizenship_group = 'straniera') as n_foreign,
        count(distinct person_key) filter (where citizenship_group = 'non disponibile') as n_not_known
    from mart_target_group.person_month
    where year_number = (select max(year_number) from mart_target_group.person_month)
    group by age_band_code, age_band_label
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
