#!/usr/bin/perl
# The command poterne beside a running gateway: check, learn, quarantine, trace, config, help. (queue:
# next_hop.t)
use strict;
use warnings;

use File::Temp qw(tempdir);
use JSON::PP ();
use Test::More;
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Mail qw(letter eicar);
use Poterne::Process qw(command_output wait_until);
use Poterne::Tree qw(slurp);

my ( $jean, $claire ) = map { "$_\@tools.example" } qw(jean claire);
my $root = tempdir( 'poterne-tools-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $gateway = Poterne::Gateway->new(
    root    => "$root/gateway",
    domains => {
        'tools.example' =>
            { next_hop => Poterne::Gateway::maildir_hop("$root/gateway"), recipients => [ $jean, $claire ] }
    }
)->start;

sub write_mail {
    my ( $name, $text ) = @_;
    Poterne::Gateway::write_file( "$root/$name", $text );
    return "$root/$name";
}

my $ham = write_mail( 'ham.eml', letter($jean) );
my $virus = write_mail( 'virus.eml', eicar($jean) );
my $spam = 'tools/demo/spam.eml';

# --- check ---

my ( $status, $said ) = $gateway->poterne( 'check', $ham );
is( $status, 0, 'check: ham is 0' ) or diag($said);
like( $said, qr/^\Q$ham\E: ham, global score \+/, 'in words' );
( $status, $said ) = $gateway->poterne( 'check', $spam );
is( $status, 1, 'check: spam is 1' );
like( $said, qr/^\Q$spam\E: spam, global score -/, 'in words' );
like( $said, qr/^\s+\+\d\.\d\s+[A-Z_0-9]+ .*\n\s+"/m, 'with rules, scores and what they matched' );
( $status, $said ) = $gateway->poterne( 'check', $virus );
is( $status, 1, 'check: infected is 1' );
like( $said, qr/: infected.*antivirus\s+clamav infected: .*antivirus\s+yara infected: /s, 'with the engines\' names of it' );
my ( $gone, $complaint ) = $gateway->poterne( 'check', "$root/none.eml", $ham );
is( $gone, 2, 'check: a file that is not there is 2' );
like( $complaint, qr/none\.eml.*: ham/s, 'and the others are checked' );

my @objects = $gateway->poterne_json( 'check', $ham, $spam, $virus );
is( scalar @objects, 3, 'check --json: an object a file' );
is_deeply( [ map { $_->{path} } @objects ], [ $ham, $spam, $virus ], 'with its path' );
is_deeply( [ map { $_->{verdict} } @objects ], [qw(ham spam infected)], 'and verdict' );
for my $object (@objects) {
    my $score = $object->{score};
    my $sum = $score->{heuristics} + $score->{bayes};
    cmp_ok( abs( $score->{global} - $sum ), '<', 1e-6, 'the global score is the sum of both' );
    ok( !( grep { !defined $_->{name} || !defined $_->{score} || !defined $_->{text} } @{ $object->{rules} } ),
        'rules have name, score and text' );
    is_deeply( [ map { $_->{engine} } @{ $object->{antivirus} } ], [qw(clamav yara files)], 'the engines answer' );
}
cmp_ok( scalar @{ $objects[1]{rules} }, '>=', 3, 'the spam has rules' );
ok( $objects[1]{score}{global} < 0 && $objects[0]{score}{global} > 0, 'below 0 is spam' );
my $piped = `cat '$spam' | $gateway->{build}/poterne check --config $gateway->{conf} --json -`;
is( JSON::PP->new->decode($piped)->{verdict}, 'spam', 'check reads standard input' );
my $mailbox_line = write_mail( 'line.eml', "From x\@remote.example Thu Aug 22 12:36:23 2002\n" . slurp($ham) );
is( ( $gateway->poterne_json( 'check', $mailbox_line ) )[0]{score}{global},
    $objects[0]{score}{global}, 'a line of a mailbox in front does not count' );

# --- learn ---

mkdir "$root/lesson";
write_mail( "lesson/$_.eml", letter( $jean, "Offer $_", "buy the cheap watches number $_ now\n" ) ) for 1 .. 30;
write_mail( 'box', join '', map { "From a\@b Thu Aug 22 12:36:23 2002\n" . letter( $jean, "Meeting $_", "minutes of meeting $_\n" ) . "\n" } 1 .. 30 );
( $status, $said ) = $gateway->poterne( 'learn', '--spam', "$root/lesson" );
is( $status, 0, 'learn a folder' );
like( $said, qr/^30 learned as spam, 0 known before, 0 failed; in all 30 spam and 0 ham/, 'and says what was done' );
( $status, $said ) = $gateway->poterne( 'learn', '--ham', "$root/box" );
like( $said, qr/^30 learned as ham.* in all 30 spam and 30 ham/, 'learn a mailbox' );
( $status, $said ) = $gateway->poterne( 'learn', '--spam', "$root/lesson" );
like( $said, qr/^0 learned as spam, 30 known before/, 'what is known is left as it is' );
is_deeply(
    [ map { [ @{$_}{qw(class done known failed total)} ] } $gateway->poterne_json( 'learn', '--ham', "$root/box" ) ],
    [ [ 'ham', 0, 30, 0, { spam => 30, ham => 30 } ] ],
    'and the same for programs'
);
my ($taught) = $gateway->poterne_json( 'check', write_mail( 'new.eml', letter( $jean, 'Offer', "buy the cheap watches\n" ) ) );
ok( $taught->{bayes}{used}, 'what was learned takes part' );
cmp_ok( $taught->{score}{bayes}, '<', 0, 'and knows it again' );
cmp_ok( scalar @{ $taught->{bayes}{tokens} }, '>', 0, 'with its strongest tokens' );
( $status, $said ) = $gateway->poterne( 'learn', '--forget', "$root/lesson/1.eml" );
like( $said, qr/in all 29 spam and 30 ham/, 'learn --forget takes it back' );
( $status, $said ) = $gateway->poterne( 'learn', '--ham', "$root/lesson/2.eml" );
like( $said, qr/in all 28 spam and 31 ham/, 'the other class moves it' );
( $status, $said ) = $gateway->poterne( 'learn', "$root/lesson" );
is( $status, 2, 'learn wants a class' );
like( $said, qr/--spam, --ham/, 'and says which' );

# --- quarantine ---

my $infected = eicar($jean);
my @ids;
for my $n ( 1 .. 3 ) {
    my $result = $gateway->send_one( from => 'v@remote.example', to => [ $jean, $claire ], data => \$infected );
    push @ids, $result->{text} =~ /\b([0-9A-Z]{26})\b/;
}
is( scalar @ids, 3, 'infected mail is taken' );
my @held = $gateway->poterne_json('quarantine');
is_deeply( [ map { $_->{id} } @held ], [ reverse @ids ], 'quarantine lists it, the newest first' );
like( $held[0]{held}, qr/infected/, 'and why' );
( $status, $said ) = $gateway->poterne( 'quarantine', 'show', $ids[0] );
like( $said, qr/eicar\.com/, 'quarantine show has its structure' );
like( $said, qr/antivirus\s+clamav infected/, 'and the evidence' );
unlike( $said, qr/EICAR-STANDARD/, 'but nothing of its content' );
( $status, $said ) = $gateway->poterne( 'quarantine', 'show', '--message', $ids[0] );
is( $said, $infected =~ s/\n/\r\n/gr, 'quarantine show --message: byte for byte as it came' );

sub state_of {
    my ( $id, $address ) = @_;
    my ($story) = $gateway->poterne_json( 'trace', $id );
    my ($recipient) = grep { $_->{address} eq $address } @{ $story->{recipients} };
    return $recipient->{state};
}

( $status, $said ) = $gateway->poterne( 'quarantine', 'release', '--force', $ids[0] );
is( $status, 0, 'quarantine release' ) or diag($said);
ok( wait_until( 15, sub { $gateway->maildir_messages($jean) && $gateway->maildir_messages($claire) } ), 'it is delivered' );
ok( wait_until( 5, sub { state_of( $ids[0], $jean ) eq 'delivered' } ), 'and the journal knows' );
like( ( $gateway->poterne( 'trace', $ids[0] ) )[1], qr/held .*released .*delivered /s, 'the whole story' );
( $status, $said ) = $gateway->poterne( 'quarantine', 'release', '--no-scan', '--recipient', $claire, $ids[1] );
is( $status, 0, 'quarantine release for one' ) or diag($said);
ok( wait_until( 15, sub { state_of( $ids[1], $claire ) eq 'delivered' } ), 'it is delivered to one' );
is( state_of( $ids[1], $jean ), 'held', 'and held for the other' );
( $status, $said ) = $gateway->poterne( 'quarantine', 'delete', @ids[ 1, 2 ] );
is( $status, 0, 'quarantine delete' ) or diag($said);
ok( wait_until( 10, sub { !$gateway->spooled('quarantine') } ), 'it is gone' );
ok( wait_until( 5, sub { state_of( $ids[2], $jean ) eq 'deleted' } ), 'and the journal knows that it was' );
( $status, $said ) = $gateway->poterne( 'quarantine', 'release', $ids[2] );
isnt( $status, 0, 'what is gone can\'t be released' );
( $status, $said ) = $gateway->poterne( 'quarantine', 'show', 'nonsense' );
is( $status, 2, 'what is no id' );

# --- trace ---

my $refused = letter('nobody@tools.example');
$gateway->send_one( from => 'r@remote.example', to => ['nobody@tools.example'], data => \$refused );
wait_until( 5, sub { $gateway->poterne_json( 'trace', 'nobody@tools.example' ) } );
like( ( $gateway->poterne( 'trace', 'nobody@tools.example' ) )[1],
    qr/refused at rcpt .*<r\@remote\.example> to <nobody\@tools\.example>.*550 5\.1\.1/s, 'trace: who was refused' );
is( ( $gateway->poterne_json( 'trace', 'V@Remote.Example' ) )[0]{id}, $ids[0], 'trace: by sender, without case' );
cmp_ok( scalar( () = $gateway->poterne_json( 'trace', '127.0.0.1' ) ), '>=', 4, 'trace: by client' );
is( scalar( () = $gateway->poterne_json( 'trace', '--limit', 1, $jean ) ), 1, 'trace: the newest only' );
is( ( $gateway->poterne( 'trace', 'unheard@tools.example' ) )[0], 1, 'trace: unknown is 1' );

# --- rules show: what the journal knows ---

$gateway->send_one( from => 'w@remote.example', to => [$jean], data => \slurp($_) ) for $spam, $spam, $ham;
my ($often) = sort map { $_->{name} } grep { $_->{score} > 0 } @{ $objects[1]{rules} };
my $known = wait_until( 10, sub { $gateway->poterne_json( 'trace', 'w@remote.example' ) == 3 } );
ok( $known, 'three messages are in the journal' );
my ($shown) = $gateway->poterne_json( 'rules', 'show', $often );
is( scalar @{ $shown->{days} }, 7, 'show: seven days' );
my ( $hits, $judged, $messages ) = ( 0, 0, 0 );
for my $day ( @{ $shown->{days} } ) { # it may be midnight just now
    $hits += $day->{hits};
    $judged += $day->{spam};
    $messages += $day->{messages};
}
cmp_ok( $messages, '>=', 3, 'messages are counted' );
ok( $hits >= 2 && $judged >= 2 && $hits < $messages, "hits of $often, those in spam too" );
ok( !$shown->{days_cut}, 'all of them' );
like( ( $gateway->poterne( 'rules', 'show', $often ) )[1],
    qr/^  hits +\d{4}-\d\d-\d\d  \d+ of \d+ messages, \d+ of them judged spam\n(?:  +\d{4}-.*\n){6}/m, 'in words' );
my ($sub_rule) = map { $_->{name} } grep { $_->{name} =~ /^__/ } $gateway->poterne_json( 'rules', 'list' );
( $status, $said ) = $gateway->poterne( 'rules', 'show', $sub_rule );
like( $said, qr/^  hits +not kept of a rule that only feeds others$/m, 'of a sub-rule nothing is kept' );

# --- config, help ---

is( ( $gateway->poterne( 'config', 'check' ) )[0], 0, 'config check' );
( $status, $said ) = $gateway->poterne( 'config', 'show' );
like( $said, qr/^\s*size_limit\s+= 20M\s+# default/m, 'config show has the defaults' );
like( $said, qr/^hostname\s+= mx\.poterne\.example\s+# .*poterne\.conf:\d+/m, 'and where the others came from' );
my $settings = $said;
Poterne::Gateway::write_file( "$root/shown.conf", $settings );
is( ( command_output( "$gateway->{build}/poterne", 'config', 'check', "$root/shown.conf" ) )[0], 0, 'and reads it again' );
Poterne::Gateway::write_file( "$root/wrong.conf", "smtp {\n size_limit = lots\n}\nspam { requred = 5 }\n" );
( $status, $said ) = command_output( "$gateway->{build}/poterne", 'config', 'check', "$root/wrong.conf" );
is( $status, 2, 'mistakes: 2' );
like( $said, qr/wrong\.conf:2: size_limit = lots: expected a size/, 'each of them is told' );
like( $said, qr/wrong\.conf:4: unknown setting requred in section spam; did you mean required\?/, 'with its line' );
Poterne::Gateway::write_file( "$root/noted.conf", $settings =~ s/^managers .*/managers = { boss\@far.example }/mr );
( $status, $said ) = command_output( "$gateway->{build}/poterne", 'config', 'check', "$root/noted.conf" );
is( $status, 0, 'a manager elsewhere is no mistake' );
like( $said, qr/^note: manager boss\@far\.example .*no mail reaches it/m, 'but noted' );
my ($mistaken) = $gateway->poterne_json( 'config', 'check', "$root/wrong.conf" );
is( scalar @{ $mistaken->{mistakes} }, 2, 'to programs too' );
my ($limit) = grep { $_->{name} eq 'retry_first' } $gateway->poterne_json( 'config', 'show' );
ok( $limit->{section} eq 'queue' && $limit->{value} && !defined $limit->{file}, 'config show for programs' );
for my $command (qw(check learn model evaluate trace quarantine rescan queue config)) {
    my ( $status, $help ) = command_output( "$gateway->{build}/poterne", $command, '--help' );
    is( $status, 0, "$command --help" );
    like( $help, qr/^usage: poterne $command .*--config FILE.*--json/s, 'says how it is used' );
}

is( $gateway->stop, 0, 'the gateway stops as asked' );
( $status, $said ) = $gateway->poterne( 'quarantine', 'expire' );
is( $status, 2, 'without a gateway: 2' );
like( $said, qr/running/, 'and what to do' );
done_testing();
