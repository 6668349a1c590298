-- How often the interested persons came in a year: 1, 2, 3, 4, 5 or more contacts.
with frequency as (
    select
        person_key,
        least(count(distinct (district_code, contact_on)), 5) as n_times
    from mart_demand.demand
    where
        year_number = 2013
        and is_person_identified
    group by person_key
)

select
    n_times,
    count(*) as n_persons
from frequency
group by n_times
order by n_times;
