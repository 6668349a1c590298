-- Question: in which districts do most requests stay without any answer?
-- Caveat: of requests whose window is over; an answer is one at the desk, an assessment, a taking in charge or a service.
select
    answer.territory_code as district_code,
    territory.territory_label as district_label,
    answer.n_requests,
    answer.n_requests - answer.n_answer_open as n_known,
    answer.n_answer_none as n_without_answer,
    answer.n_persons_unanswered,
    answer.unanswered_percent
from mart_pathway.answer as answer
inner join core.dim_territory as territory
    on
        answer.territory_level = territory.territory_level
        and answer.territory_code = territory.territory_code
        and make_date(answer.year_number, 1, 1) between territory.valid_from and territory.valid_to
where
    answer.territory_level = 'district'
    and answer.cut_type = 'all'
    and answer.year_number = (select max(year_number) from mart_pathway.answer)
order by answer.unanswered_percent desc nulls last, answer.territory_code;
