-- Question: which way do older people take after they asked for help (newest year)?
-- Caveat: the steps of 180 days in the flows of services; "Nessun evento finora" is a path whose 180 days are not delivered yet.
select
    path_rank,
    path_label,
    n_requests,
    n_persons,
    requests_percent
from mart_pathway.path
where
    territory_level = 'region'
    and cut_type = 'report_target'
    and cut_code = 'ANZ'
    and year_number = (select max(year_number) from mart_pathway.path)
order by path_rank;
