-- The year to December and the year itself are counted in different ways and must say the same.
select
    to_date.territory_level,
    to_date.territory_code,
    to_date.n_persons as persons_to_date,
    year.n_persons as persons_of_year,
    to_date.n_contacts as contacts_to_date,
    year.n_contacts as contacts_of_year
from {{ ref('contact_to_date') }} as to_date
inner join {{ ref('contact_monthly') }} as year
    on
        year.period_type = 'year'
        and to_date.year_number = year.year_number
        and to_date.territory_level = year.territory_level
        and to_date.territory_code = year.territory_code
where
    extract(month from to_date.month_on) = 12
    and (to_date.n_persons, to_date.n_contacts) is distinct from (year.n_persons, year.n_contacts)
